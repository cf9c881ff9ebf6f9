# SPDX-License-Identifier: MIT
# What Perl asks of the system: files, folders, processes, pipes, signals. Prints what differs, then how many checks.
use strict;
use warnings;
use Cwd;
use Fcntl qw(:flock :mode SEEK_SET);
use File::Find;
use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir);
use IO::Select;
use POSIX qw(:sys_wait_h :errno_h);

my ($checks, $failed) = (0, 0);
my $folder = tempdir(CLEANUP => 1);

sub is {
	my ($name, $actual, $expected) = @_;
	$checks++;
	return if $actual eq $expected;
	$failed++;
	print "FAILED $name: is <$actual>, expected <$expected>\n";
}

chdir $folder or die;
is("cwd", getcwd(), $folder);
open my $file, "+>", "f" or die;
printf $file "line %d\n", $_ for 1 .. 1000;
seek $file, 0, SEEK_SET;
is("lines", scalar(() = <$file>), 1000);
is("lock", flock($file, LOCK_EX) ? 1 : 0, 1);
close $file;
is("size", -s "f", 8893);
chmod 0640, "f";
is("mode", sprintf("%o", S_IMODE((stat "f")[2])), "640");
utime 1000, 2000, "f";
is("times", join(" ", (stat "f")[8, 9]), "1000 2000");
symlink "f", "l" or die;
is("link", readlink("l"), "f");
is("missing", open(my $none, "<", "nosuch") ? "opened" : $! == ENOENT ? "ENOENT" : "$!", "ENOENT");
make_path("a/b/c", "a/d");
my @found;
find(sub { push @found, $File::Find::name if -d }, "a");
is("find", join(" ", sort @found), "a a/b a/b/c a/d");
is("removed", remove_tree("a"), 4);

my $pid = fork // die;
exit 7 unless $pid;
waitpid $pid, 0;
is("exit", $? >> 8, 7);
is("command", `echo out; exit 3`, "out\n");
is("status", $? >> 8, 3);
open my $sort, "|-", "sort -n > sorted" or die;
print $sort "$_\n" for 10, 9, 100;
close $sort;
is("pipe to", do { open my $in, "<", "sorted" or die; join "", <$in> }, "9\n10\n100\n");
my $caught = 0;
local $SIG{USR1} = sub { $caught++ };
kill USR1 => $$;
is("signal", $caught, 1);
is("alarm", do { local $SIG{ALRM} = sub { die "late\n" }; eval { alarm 1; select undef, undef, undef, 30; 1 } ? "slept" : $@ }, "late\n");
pipe my $reader, my $writer or die;
my $select = IO::Select->new($reader);
is("nothing", scalar(my @none = $select->can_read(0)), 0);
syswrite $writer, "x";
is("something", scalar(my @ready = $select->can_read(5)), 1);
is("environment", do { local $ENV{WORD} = "said"; `echo \$WORD` }, "said\n");
is("user", (getpwuid $<)[0], "root");

print "system: $checks checks passed\n" unless $failed;
chdir "/";
exit($failed ? 1 : 0);
