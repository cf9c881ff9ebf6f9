# SPDX-License-Identifier: MIT
# Pages of both kinds, formats, links, compressed pages, a pager. Prints what differs, then how many checks.
. "$TESTS/../check.sh"

mkdir -p man/man1 man/man5
cat > man/man1/sample.1 <<'EOF'
.Dd January 2, 2026
.Dt SAMPLE 1
.Os
.Sh NAME
.Nm sample
.Nd shows how it is done
.Sh SYNOPSIS
.Nm
.Op Fl v
.Ar file
.Sh DESCRIPTION
The
.Nm
utility reads
.Ar file .
EOF
printf '.TH OLD 5 2026-01-02 "Sample"\n.SH NAME\nold \\- of the other kind\n.SH DESCRIPTION\nSome \\fBbold\\fP text.\n' > man/man5/old.5

back=$(printf '\b')
plain() { sed "s/.$back//g" | tr -s ' ' | grep -v '^$'; }

is mdoc "$(mandoc -T ascii man/man1/sample.1 | plain | sed -n 2,5p)" "NAME
 sample - shows how it is done
SYNOPSIS
 sample [-v] file"
is man "$(mandoc -T ascii man/man5/old.5 | plain | tail -n 2 | head -n 1)" " Some bold text."
is bold "$(mandoc -T ascii man/man5/old.5 | grep -c 'b.bo.ol.ld.d')" 1
is utf8 "$(printf '.TH U 1\n.SH NAME\nu \\- \\(rq \\[u20AC]\n' | mandoc -T utf8 | grep -c '€')" 1
is html "$(mandoc -T html man/man1/sample.1 | grep -c '<h1 class="Sh" id="NAME">')" 1
is markdown "$(mandoc -T markdown man/man1/sample.1 | grep -c '^# NAME')" 1
is lint "$(printf '.Dd x\n.Dt L 1\n.Os\n.Sh NAME\n.Nosuch\n' | mandoc -T lint -W error 2>&1 | grep -c 'skipping unknown macro: .Nosuch')" 1
is index "$(makewhatis man && MANPATH=$folder/man apropos '' | sort | tr '\n' ';')" "old(5) - of the other kind;sample(1) - shows how it is done;"
is found "$(man -M man -w sample old | sed "s|$folder/||")" "man/man1/sample.1
man/man5/old.5"
gzip -c man/man5/old.5 > man/man5/packed.5.gz
ln -s sample.1 man/man1/alias.1
is "index with them" "$(makewhatis man && MANPATH=$folder/man apropos -s 1 '' | grep -o alias; MANPATH=$folder/man apropos -s 5 '' | grep -o packed)" "alias
packed"
is packed "$(man -M man -T ascii packed | plain | tail -n 2 | head -n 1)" " Some bold text."
is link "$(man -M man -T ascii alias | plain | sed -n 3p)" " sample - shows how it is done"
printf '#!/bin/sh\nexec cat -n "$@"\n' > pager && chmod +x pager
is pager "$(TERM=dumb MANPAGER=$folder/pager script -qc 'man -M man sample' /dev/null < /dev/null | plain | grep -c '1.*SAMPLE(1)')" 1

finish pages
