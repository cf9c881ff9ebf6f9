# SPDX-License-Identifier: MIT
# Configure runs what it compiles, which a static program of ours does on the machine that builds. What it would ask that machine is said instead.

cd "$SRC"
sysroot=$(dirname "$(dirname "$($CC -print-file-name=libc.a)")")
export LC_ALL=C PERL_BUILD_DATE='Jan  1 1970 00:00:00'
sh ./Configure -des -Dosname=linux -Darchname=x86_64-linux -Dcc="$CC" -Dar="$AR" -Doptimize="$CFLAGS" -Dccflags='-D_GNU_SOURCE' \
	-Uusenm -Uusedl -Uuseshrplib -Dusethreads=undef -Dlibs='-lm -lcrypt' -Dperllibs='-lm -lcrypt' -Dlibpth="$sysroot/lib" -Dglibpth="$sysroot/lib" -Dlocincpth=' ' -Dloclibpth=' ' \
	-Dusrinc="$sysroot/include" -Dprefix=/usr -Dprivlib=/usr/lib/perl5 -Darchlib=/usr/lib/perl5 -Dsitelib=/usr/lib/perl5/site -Dsitearch=/usr/lib/perl5/site \
	-Dman1dir=none -Dman3dir=none -Dnoextensions='DB_File GDBM_File NDBM_File ODBM_File' -Dinc_version_list=none -Dstartperl='#!/usr/bin/perl' \
	-Dcf_by=raeen -Dcf_email=root@localhost -Dperladmin=root@localhost -Dmyhostname=raeen -Dmydomain=.invalid -Dcf_time='Thu Jan  1 00:00:00 UTC 1970' < /dev/null
make -j"$JOBS"
make install DESTDIR="$STAGE"
cd "$STAGE"/usr/lib/perl5
find . \( -name '*.pod' -o -name '*.h' -o -name '*.a' -o -name '.packlist' -o -name '*.bs' -o -name 'extralibs.ld' \) -exec rm -f {} +
rm -rf pod CORE ExtUtils CPAN CPAN.pm TAP App/Prove* App/Cpan.pm Test2 Test Test.pm perldoc.pod
cd "$STAGE"/usr/bin
ls | grep -v -x -e perl -e pod2text -e prove | xargs rm -f
rm -f prove
