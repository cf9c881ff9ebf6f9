# SPDX-License-Identifier: MIT
# What the language itself does, and modules that are linked in. Prints what differs, then how many checks.
use strict;
use warnings;
no warnings "recursion";
use utf8;
use Digest::SHA qw(sha256_hex);
use Encode qw(decode encode);
use List::Util qw(sum max first);
use Math::BigInt;
use POSIX qw(floor strftime);
use Storable qw(freeze thaw);

my ($checks, $failed) = (0, 0);

sub is {
	my ($name, $actual, $expected) = @_;
	$checks++;
	return if $actual eq $expected;
	$failed++;
	print "FAILED $name: is <$actual>, expected <$expected>\n";
}

my %words;
$words{$_}++ for "the cat and the dog and the bird" =~ /\w+/g;
is("hash", join(",", map { "$_=$words{$_}" } sort { $words{$b} <=> $words{$a} || $a cmp $b } keys %words), "the=3,and=2,bird=1,cat=1,dog=1");
is("regex", "2026-11-05" =~ /^(?<year>\d{4})-(?<month>\d\d)/ ? "$+{month}/$+{year}" : "none", "11/2026");
(my $text = "aXbXc") =~ s/X(.)/"<" . ord($1) . ">"/ge;
is("substitution", $text, "a<98><99>");
my @counters = map { my $n = $_; sub { $n++ } } 1 .. 3;
$counters[1]->() for 1 .. 4;
is("closures", join(" ", map { $_->() } @counters), "1 6 3");
is("sort", join("", sort { $b cmp $a } split //, "raeen"), "rneea");
is("eval", eval { die { code => 7 } } // $@->{code}, 7);
is("local", do { our $x = 1; sub seen { our $x } sub inner { local $main::x = 2; seen() } inner() . seen() }, "21");
is("pack", unpack("H*", pack("nNw/a*", 1, 2, "text")), "0001000000020474657874");
is("sprintf", sprintf("%05.2f|%-4s|%+d|%b", 3.14159, "ab", 5, 10), "03.14|ab  |+5|1010");
is("unicode", length(decode("UTF-8", "caf\303\251")) . " " . uc("straße") . " " . join(",", map { ord } split //, encode("UTF-8", "é")), "4 STRASSE 195,169");
is("names", "\N{GREEK SMALL LETTER ALPHA}" =~ /\p{Greek}/ ? 1 : 0, 1);
is("sum", sum(1 .. 100), 5050);
is("big", Math::BigInt->new(2)->bpow(100)->bstr, "1267650600228229401496703205376");
is("digest", substr(sha256_hex("raeen"), 0, 8), substr(sha256_hex("ra" . "een"), 0, 8));
is("digest of nothing", sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
is("time", strftime("%Y-%m-%d %H:%M:%S", gmtime(86400 * 365)), "1971-01-01 00:00:00");
is("floor", floor(-1.5), -2);
is("storable", thaw(freeze({ list => [1, { two => 3 }] }))->{list}[1]{two}, 3);
is("package", do { package Animal; sub new { bless { name => $_[1] }, $_[0] } sub speak { "$_[0]{name} says " . $_[0]->sound }
	package Cow; our @ISA = "Animal"; sub sound { "moo" } Cow->new("Berta")->speak }, "Berta says moo");
my $deep = sub { my ($self, $n) = @_; $n ? 1 + $self->($self, $n - 1) : 0 };
is("recursion", $deep->($deep, 20000), 20000);

print "language: $checks checks passed\n" unless $failed;
exit($failed ? 1 : 0);
