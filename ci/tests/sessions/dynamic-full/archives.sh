# tar, gzip, bzip2, xz and make.
export TZ=UTC0; umask 022; mkdir -p src/deep/er; seq 1 30000 > src/numbers; head -c 300000 /dev/zero > src/zeroes; truncate -s 3M src/holes; ln -s numbers src/link; ln src/numbers src/hard; mkfifo src/fifo; chmod 4750 src/zeroes; touch -d @1000000000 src/numbers src/deep/er src/deep
tar -cf a.tar --sort=name src; tar -tvf a.tar | cut -c1-10; tar -tf a.tar; tar -cSf sparse.tar src/holes; [ $(stat -c %s sparse.tar) -lt 100000 ] && echo sparse; mkdir out; tar -xpf a.tar -C out; diff -r --no-dereference src out/src 2>&1 | grep -v fifo; stat -c '%n %a %s %Y %h %F' out/src/numbers; stat -c '%n %a %s %h %F' out/src/zeroes out/src/fifo; stat -c '%n %a %Y %F' out/src/deep; readlink out/src/link; [ out/src/hard -ef out/src/numbers ] && echo hard link
for c in z j J; do tar -c${c}f a.t$c src/numbers src/zeroes; tar -tf a.t$c; tar -xOf a.t$c src/numbers | md5sum; done; tar -df a.tar && echo no difference; echo changed >> src/numbers; tar -df a.tar | head -n 1; tar -rf a.tar src/deep; tar --delete -f a.tar src/holes; tar -tf a.tar | wc -l; tar -cf - src | (cd out && tar -xf - --strip-components=1 && ls); tar -xf /dev/null 2>&1; head -c 5000 a.tj | tar -xjf - 2>&1 | tail -n 1; tar -g snap -cf full.tar src/deep; touch src/deep/new; tar -g snap -cf inc.tar src/deep; tar -tf inc.tar
gzip -k9 src/numbers; echo $?; gzip -kf9 src/numbers; gzip -l src/numbers.gz | tail -n 1; zcat src/numbers.gz | cmp - src/numbers && echo gzip; gzip -t src/numbers.gz; echo $?; printf bad | gzip -d 2>&1; gunzip -c < src/numbers.gz | tail -n 1; rm src/hard; bzip2 -k src/numbers; bzip2 -dc src/numbers.bz2 | md5sum; bzip2 -tv src/numbers.bz2 2>&1; xz -k -T 2 --block-size=64KiB src/numbers; xz -dc -T 2 src/numbers.xz | md5sum; xz --robot -l src/numbers.xz | tail -n 1 | cut -f2-5; xz -0 < src/zeroes | wc -c; head -c 900 src/numbers.xz | xz -dc 2>&1 > /dev/null; echo $?; seq 1000 | xz --format=lzma | xz -d | tail -n 1
cat > Makefile <<'M'
OBJECTS := $(patsubst %.c,%.o,$(wildcard *.c))
SHELL := /bin/bash
.PHONY: all clean
all: program; @echo made $<
program: $(OBJECTS)
	@echo link $(sort $^); cat $(sort $^) > $@
%.o: %.c
	@echo compile $< into $@; sleep 0.1; tr a-z A-Z < $< > $@
clean: ; rm -f *.o program
fail: ; @false
deep: ; @$(MAKE) --no-print-directory -f Makefile clean
show: ; @echo $(shell echo from shell) $(words a b c) $(subst a,b,banana) $(filter %.c,x.c y.o) $(foreach v,1 2,<$(v)>)
M
for i in 1 2 3 4 5 6; do echo "file $i" > f$i.c; done; make -s; make; make -j4 -B -O | sort; touch f3.c; sleep 0.05; make -n | head -n 1; make -q; echo $?; make -j3; cat program; make fail; echo $?; make -k fail all; echo $?; make show deep; make nothing; echo $?; make -j2 -s all > /dev/null; timeout 3 make -f - <<< $'all: ; @sleep 60' 2> said; echo $?; grep -c Terminated said
