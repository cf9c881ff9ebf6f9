# Ruby, Tcl and Guile, each with a child, threads and a signal.
ruby3.1 --disable-gems -rsocket -e '
puts RUBY_VERSION
from, to = IO.pipe
child = fork { from.close; to.puts "child"; exit!(3) }
to.close; puts from.read; Process.wait child; puts $?.exitstatus
p (1..4).map { |i| Thread.new { sleep 0.01; i * i } }.map(&:value)
trap("USR1") { puts "signal" }; Process.kill("USR1", $$); sleep 0.1
File.open("f", "w") { |file| file.flock(File::LOCK_EX); p fork { exit!(File.open("f").flock(File::LOCK_EX | File::LOCK_NB) ? 1 : 0) }.then { |pid| Process.wait2(pid)[1].exitstatus } }
a, b = UNIXSocket.pair; a.send_io(STDOUT); STDOUT.flush; io = b.recv_io; io.puts "passed"; io.flush'
tclsh8.6 <<'TCL'
puts [info patchlevel]
puts [exec echo hi | tr a-z A-Z]
after 10 {set done 1}; vwait done; puts $done
puts [catch {exec sh -c {exit 3}} message options]; puts [lindex [dict get $options -errorcode] 2]
TCL
guile-3.0 --no-auto-compile -c '
(use-modules (ice-9 threads) (ice-9 popen) (ice-9 rdelim))
(display (version)) (newline)
(display (par-map (lambda (x) (* x x)) (list 1 2 3))) (newline)
(let* ((pipe (open-input-pipe "echo piped; exit 2")) (line (read-line pipe))) (display line) (newline) (display (status:exit-val (close-pipe pipe))) (newline))
(display (let loop ((i 0) (sum 0)) (if (= i 100000) sum (loop (+ i 1) (+ sum i))))) (newline)'
