# SPDX-License-Identifier: MIT
# A repository's life: its history written, branched, merged, rewritten, sent about, packed, damaged. Prints what differs, then how many checks.
. "$TESTS/../check.sh"
export HOME="$folder" LC_ALL=C GIT_CONFIG_NOSYSTEM=1 GIT_PAGER=cat
# With times and names that are always the same, the names of commits are, too.
export GIT_AUTHOR_NAME=Author GIT_AUTHOR_EMAIL=author@example.org GIT_AUTHOR_DATE='1700000000 +0100'
export GIT_COMMITTER_NAME=Committer GIT_COMMITTER_EMAIL=committer@example.org GIT_COMMITTER_DATE='1700000000 +0100'

quiet() { "$@" > log 2>&1 || cat log; }
subjects() { git log --format=%s "$@" | tr '\n' ' '; }

is init "$(git init -q -b main work 2>&1; cat work/.git/HEAD)" "ref: refs/heads/main"
cd work || exit 1
echo log > .git/info/exclude
mkdir -p sub/deep
seq 1 30 > numbers
echo text > sub/deep/text
printf '#!/bin/sh\necho run\n' > run
chmod 755 run
ln -s numbers link
is untracked "$(git status --short | tr '\n' ' ')" "?? link ?? numbers ?? run ?? sub/ "
git add .
is added "$(git ls-files -s | cut -c 1-11,50- | tr '\t' ' ')" "120000 e6b9 link
100644 e882 numbers
100755 85ba run
100644 8e27 sub/deep/text"
quiet git commit -q -m first
is "name of the commit" "$(git rev-parse HEAD)" "$(git cat-file commit HEAD | git hash-object -t commit --stdin)"
is "known name" "$(git rev-parse HEAD HEAD^{tree} | tr '\n' ' ')" "2f67e71936648e97475dee174fb668e4fa7de192 881082f40be68e268675a0a9cdfb4ccc429d8a85 "
is clean "$(git status --porcelain)" ""
sed -i 's/^15$/fifteen/' numbers
is diff "$(git diff -U1 | tail -n 5)" "@@ -14,3 +14,3 @@
 14
-15
+fifteen
 16"
is stat "$(git diff --stat | tail -n 1)" " 1 file changed, 1 insertion(+), 1 deletion(-)"
quiet git commit -qam second
chmod 644 run
is mode "$(git diff --summary)" " mode change 100755 => 100644 run"
quiet git checkout -q -- run
is restored "$(stat -c %a run)" 755
quiet git mv sub/deep/text moved
is renamed "$(git status --short)" "R  sub/deep/text -> moved"
quiet git commit -qm third
is log "$(subjects)" "third second first "
is follow "$(subjects --follow moved)" "third first "
is blame "$(git blame -s numbers | sed -n '14,15p' | cut -d ' ' -f 1 | sort -u | wc -l)" 2
is show "$(git show HEAD~1:numbers | sed -n 15p) $(git show --format=%an,%ce,%ad --date=iso -s)" "fifteen Author,committer@example.org,2023-11-14 23:13:20 +0100"
is grep "$(git grep -n fif)" numbers:15:fifteen

# Branches, merges, conflicts.
quiet git checkout -q -b side HEAD~1
sed -i 's/^3$/three/' numbers
quiet git commit -qam side-3
sed -i 's/^15$\|^fifteen$/XV/' numbers
quiet git commit -qam side-15
quiet git checkout -q main
is fast "$(quiet git branch same && quiet git clone -q . ../fast && cd ../fast && quiet git checkout -q -b ahead && quiet git commit -q --allow-empty -m ahead &&
	quiet git checkout -q - && quiet git merge --ff-only -q ahead && git rev-list --count HEAD^..ahead; cd ../work && git branch --format='%(refname:short)' | tr '\n' ' ')" "1
main same side "
quiet git merge -q -m 'merge of 3' side~1
is merged "$(sed -n 3p numbers) $(git rev-list --parents -n 1 HEAD | wc -w) $(ls moved)" "three 3 moved"
sed -i 's/^fifteen$/FIFTEEN/' numbers
quiet git commit -qam main-15
is conflict "$(git merge side 2>&1 | tail -n 2; git status --short)" "CONFLICT (content): Merge conflict in numbers
Automatic merge failed; fix conflicts and then commit the result.
UU numbers"
is markers "$(sed -n 15,19p numbers | tr '<=>' LEG)" "LLLLLLL HEAD
FIFTEEN
EEEEEEE
XV
GGGGGGG side"
is stages "$(git ls-files -u | wc -l) $(git commit -m no 2>&1 | grep -c unmerged)" "3 1"
is aborted "$(quiet git merge --abort; git status --short; sed -n 15p numbers)" FIFTEEN
quiet git merge -q -X theirs -m 'merge of 15' side
is theirs "$(sed -n 15p numbers)" XV
is graph "$(git log --graph --format=%s | head -n 4 | sed 's/ *$//')" "*   merge of 15
|\\
| * side-15
* | main-15"
is octopus "$(for n in 1 2 3; do git checkout -q -b o$n main; echo $n > o$n; git add o$n; git commit -qm o$n; done; git checkout -q main; git merge -q -m octopus o1 o2 o3 > log 2>&1; git rev-list --parents -n 1 HEAD | wc -w; ls o?)" "4
o1
o2
o3"

# What rewrites history, and what sets work aside.
quiet git checkout -q -b topic main~1
for n in 1 2 3; do echo $n > t$n; git add t$n; git commit -qm "topic $n"; done
quiet git rebase -q main
is rebased "$(subjects main..)$(git merge-base main topic | cmp - .git/refs/heads/main && echo on)" "topic 3 topic 2 topic 1 on"
GIT_SEQUENCE_EDITOR="sed -i '2s/^pick/fixup/'" quiet git rebase -q -i main
is fixup "$(subjects main..)$(ls t? | tr '\n' ' ')" "topic 3 topic 1 t1 t2 t3 "
quiet git commit -q --amend -m amended
is amended "$(subjects main..)$(git reflog | grep -c amend)" "amended topic 1 1"
quiet git checkout -q main
quiet git cherry-pick topic
is picked "$(subjects -1)$(ls t?)" "amended t3"
quiet git revert --no-edit HEAD
is reverted "$(subjects -1)$(ls t? 2> /dev/null)" 'Revert "amended" '
quiet git reset -q --hard HEAD~2
is reset "$(subjects -1)" "octopus "
echo dirty >> moved
echo new > new
quiet git stash -q -u
is stashed "$(git status --short)$(git stash list)" "stash@{0}: WIP on main: $(git rev-parse --short HEAD) octopus"
quiet git stash pop -q
is unstashed "$(git status --short | tr '\n' ' ')" " M moved ?? new "
quiet git checkout -q -f
quiet git clean -q -f
printf 'one\ntwo\nthree\n' > parts && git add parts && quiet git commit -qm parts
sed -i 's/one/1/; s/$/!/' parts
is "part by part" "$(printf 'n\n' | git add -p > log 2>&1; git diff --cached --name-only; grep -c 'Stage this hunk' log)" 1
quiet git checkout -q parts

# Which commit broke it?
for n in $(seq 1 20); do echo $n > value; git add value; git commit -qm "value $n"; done
quiet git bisect start HEAD HEAD~19
is bisect "$(git bisect run sh -c '[ $(cat value) -lt 13 ]' 2>&1 | grep -c 'is the first bad commit'; git show -s --format=%s refs/bisect/bad; git bisect reset 2>&1 | grep -c Previous)" "1
value 13
1"

# Tags, patches, archives, bundles, hooks, attributes.
git tag -a -m 'a release' v1
is describe "$(git commit -q --allow-empty -m later; git describe | cut -c 1-4) $(git tag -n)" "v1-1 v1              a release"
is patches "$(git format-patch -q -o patches HEAD~3..HEAD~1; ls patches | tr '\n' ' ')" "0001-value-19.patch 0002-value-20.patch "
quiet git checkout -q -b mail HEAD~3
is mailed "$(git am -q patches/*.patch 2>&1; git rev-parse HEAD)" "$(git rev-parse main~1)"
is apply "$(git apply -R --check patches/0002* && git apply -R patches/0002*; cat value; git checkout -q value)" 19
rm -r patches
quiet git checkout -q main
is archive "$(git archive --prefix=p/ HEAD | tar -t | grep -c ^p/) $(git archive HEAD | tar -xO numbers | cmp - numbers && echo same)" "$(($(git ls-files | wc -l) + 1)) same"
is bundle "$(git bundle create -q ../b.bundle main && git clone -q -b main ../b.bundle ../unbundled 2>&1; git -C ../unbundled rev-parse HEAD)" "$(git rev-parse main)"
printf '#!/bin/sh\n! git grep --cached -q forbidden\n' > .git/hooks/pre-commit
chmod 755 .git/hooks/pre-commit
is hook "$(echo forbidden > f; git add f; git commit -m f > log 2>&1; echo $?; git rm -qf f; git commit -q --allow-empty -m fine 2>&1; subjects -1)" "1
fine "
printf '*.up filter=up\n' > .gitattributes
git config filter.up.clean 'tr a-z A-Z'
is filter "$(echo lower > a.up; git add a.up; git show :a.up)" LOWER
is ignored "$(echo '*.o' > .gitignore; touch x.o; git status --short --ignored | grep -c '^!! x.o'; git check-ignore -v x.o)" "1
.gitignore:1:*.o	x.o"
git add . && quiet git commit -qm rules

# Other repositories: by path, by the protocol over a pipe, bare, shallow, inside of this one, a second work tree.
cd ..
is clone "$(git clone -q work copy 2>&1; git -C copy rev-parse HEAD)" "$(git -C work rev-parse HEAD)"
is "hard links" "$(find copy/.git/objects -type f -links 2 | wc -l | sed 's/^[1-9][0-9]*$/some/')" some
is "by protocol" "$(git clone -q --no-local "file://$PWD/work" remote 2>&1; git -C remote rev-parse HEAD; ls remote/.git/objects/pack | grep -c 'pack$')" "$(git -C work rev-parse HEAD)
1"
is shallow "$(git clone -q --depth 3 "file://$PWD/work" shallow 2>&1; git -C shallow rev-list HEAD | wc -l)" 3
git clone -q --bare work bare.git
cd copy || exit 1
git remote set-url origin ../bare.git
echo pushed > pushed && git add pushed && quiet git commit -qm pushed
is push "$(git push -q 2>&1; git -C ../bare.git log -1 --format=%s main)" pushed
cd ../remote || exit 1
git remote set-url origin ../bare.git
is pull "$(git pull -q 2>&1; cat pushed)" pushed
echo other >> pushed && quiet git commit -qam other && git push -q
cd ../copy && echo mine >> pushed && quiet git commit -qam mine
is refused "$(git push 2>&1 | grep -c '! \[rejected\]')" 1
is "pulled and rebased" "$(git pull -q --rebase -X theirs 2>&1; git push -q 2>&1; subjects -2)" "mine other "
git -C ../bare.git config uploadpack.allowFilter true
is "part of it" "$(git clone -q --no-checkout --filter=blob:none "file://$PWD/../bare.git" ../part 2>&1; git -C ../part cat-file -t HEAD; git -C ../part rev-list --objects --all --missing=print | grep -q '^?' && echo without)" "commit
without"
is submodule "$(git -c protocol.file.allow=always submodule --quiet add ../bare.git inner 2>&1; git commit -qm sub; git submodule status | cut -d ' ' -f 3)" inner
is worktree "$(git worktree add -q ../second -b second 2>&1; git worktree list | wc -l; cat ../second/pushed | head -n 1; git worktree remove --force ../second 2>&1; ls -d ../second 2> /dev/null)" "2
pushed"

# Packing, and what a check finds.
cd ../work || exit 1
is fsck "$(git fsck --full --strict --no-dangling 2>&1)" ""
git gc -q --prune=now 2> /dev/null
is gc "$(git count-objects -v | grep -E '^(count|packs|garbage)' | tr '\n' ' ')$(git fsck --full --no-dangling 2>&1)" "count: 0 packs: 1 garbage: 0 "
is verified "$(git verify-pack -v .git/objects/pack/*.idx | grep -c 'chain length = 1:') $(git log --oneline | wc -l)" "1 $(git rev-list --count HEAD)"
is "commit graph" "$(git commit-graph write --reachable --no-progress 2>&1; git commit-graph verify --no-progress 2>&1; ls .git/objects/info/commit-graph; git rev-list --count HEAD)" ".git/objects/info/commit-graph
$(git -c core.commitGraph=false rev-list --count HEAD)"
is "many files" "$(mkdir many; for n in $(seq 1 1000); do echo "$n" > "many/$n"; done; git add many; git commit -qm many; echo changed > many/500; git rm -q many/7; git status --short | tr '\n' ' ')" " M many/500 D  many/7 "
is "big file" "$(head -c 3000000 /dev/urandom > big; git add big; git commit -qm big; git repack -q -a -d 2>&1; git cat-file blob HEAD:big | cmp - big && echo same)" same
is locked "$(: > .git/index.lock; git add big 2>&1 | grep -c 'index.lock.: File exists'; rm .git/index.lock)" 1
is "at the same time" "$(for n in 1 2 3 4; do git branch "at-once-$n" & done; wait; git branch --list 'at-once-*' | wc -l)" 4
echo loose > loose && git add loose
object=$(git rev-parse :loose | sed 's|^..|&/|')
chmod 644 ".git/objects/$object" && printf x | dd of=".git/objects/$object" bs=1 seek=8 conv=notrunc 2> /dev/null
is damaged "$(git fsck 2>&1 | grep -c "corrupt\|error"; git cat-file blob :loose > /dev/null 2>&1; echo $?)" "3
128"
pack=$(ls .git/objects/pack/*.pack) && chmod 644 "$pack" && printf xxxx | dd of="$pack" bs=1 seek=3000 conv=notrunc 2> /dev/null
is "damaged pack" "$(git verify-pack "$pack" > /dev/null 2>&1; echo $?)" 1

finish repository
