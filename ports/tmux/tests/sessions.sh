# SPDX-License-Identifier: MIT
# tmux without anybody who looks: its server, the shells in it, what clients ask it, terminals that come and go. What is typed and drawn: test_tmux.py.
# Prints what differs, then how many checks.
. "$TESTS/../check.sh"
export TERM=xterm LC_ALL=C.UTF-8 PS1='$ '
unset TMUX TMUX_TMPDIR
socket="$folder/socket"
trap 'tmux -S "$socket" kill-server 2>/dev/null; cd / && rm -rf "$folder"' EXIT

t() { tmux -S "$socket" -f "$folder/conf" "$@"; }
# in_pane COMMAND: typed at the shell of the pane in use; returns when it has run.
in_pane() { t send-keys "$1; tmux wait-for -S ran" Enter; t wait-for ran; }
# until_is EXPECTED FORMAT: waits until tmux says so of the pane in use. (A test that waits in vain is ended from outside.)
until_is() { until [ "$(t display-message -p "$2")" = "$1" ]; do sleep 0.1; done; }

# until_size ROWS COLUMNS: waits until the pane in use has been told that it has that size.
until_size() { while in_pane 'stty size > said' && [ "$(cat said)" != "$1" ]; do :; done; }

cat > conf <<'C'
set -g status off
set -g default-command "exec sh"
C
is "a session" "$(t new-session -d -s one -x 80 -y 24; t list-sessions -F '#{session_name} #{session_windows} #{session_attached}')" "one 1 0"
is "by a server of its own" "$(t display-message -p '#{pid}' | (read -r pid && sed -n 's/^PPid:[^0-9]*//p' "/proc/$pid/status"))" 1
is "at a socket" "$(stat -c %F socket)" socket
in_pane 'stty size > said; echo $TERM >> said; tty | sed s/[0-9].*// >> said'
is "with a terminal" "$(cat said)" "24 80
tmux-256color
/dev/pts/"
in_pane 'clear; printf "\\303\\251\\344\\270\\255|\\n"'
is "that shows" "$(t capture-pane -p | grep -c '^é中|$')" 1
until_is "2 1" '#{cursor_x} #{cursor_y}'
in_pane 'clear; printf "\\033[1;31mred\\033[m\\n"; seq 1 500'
is "and keeps" "$(t capture-pane -p -e -S - | grep -c "$(printf '\033\\[1m\033\\[31mred')") $(t capture-pane -p -S - | grep -c '^[1-9][0-9]*$')" "1 500"

# Keys, and what runs in it.
t send-keys 'sleep 1000' Enter
until_is sleep '#{pane_current_command}'
t send-keys C-c
in_pane 'echo $? > said'
is "an interrupt" "$(cat said)" 130
in_pane 'cd /proc'
until_is /proc '#{pane_current_path}'
in_pane "cd $folder"

# Panes and windows.
t split-window -h
is "two panes" "$(t list-panes -F '#{pane_width}x#{pane_height}' | tr '\n' ' ')" "40x24 39x24 "
t split-window -v
is "three" "$(t list-panes -F '#{pane_width}x#{pane_height}' | tr '\n' ' ')" "40x24 39x12 39x11 "
in_pane 'stty size > said'
is "each its size" "$(cat said)" "11 39"
t resize-pane -y 5
until_size "5 39"
t resize-window -x 100 -y 40
until_is "100x40" '#{window_width}x#{window_height}'
until_size "$(t display-message -p '#{pane_height} #{pane_width}')"
t select-pane -L
until_size "40 $(t display-message -p -t '{left}' '#{pane_width}')"
t set-option -g remain-on-exit on
t split-window 'exit 3'
until_is "1 3" '#{pane_dead} #{pane_dead_status}'
t respawn-pane 'kill -TERM $$'
until_is "1 15" '#{pane_dead} #{pane_dead_signal}'
t set-option -g remain-on-exit off
t kill-pane
is "one ended" "$(t list-panes | wc -l)" 3
for i in 1 2 3 4 5 6 7 8; do t new-window -d "echo $i >> windows; tmux wait-for -S w$i; exec sleep 1000"; done
for i in 1 2 3 4 5 6 7 8; do t wait-for w$i; done
is "windows" "$(t list-windows | wc -l) $(sort windows | tr -d '\n')" "9 12345678"

# What clients send and get.
seq 1 20000 > long
t load-buffer - < long
t show-buffer > back
is "much to and fro" "$(cmp long back && echo same)" same
t save-buffer "$folder/saved"
is "saved" "$(cmp long saved && echo same)" same
t set-buffer 'cat > pasted
words
'
t paste-buffer -p
t send-keys C-d
in_pane true
is "pasted" "$(cat pasted)" words
t pipe-pane "cat > piped; tmux -S $socket wait-for -S piped"
in_pane 'echo through a pipe'
t pipe-pane
t wait-for piped
is "piped" "$(grep -c '^through a pipe' piped)" 1
is "a condition" "$(t if-shell true 'set-buffer yes' 'set-buffer no'; t show-buffer)" yes
t run-shell "echo from a shell > $folder/said"
is "a command" "$(cat said)" "from a shell"
t set-environment -g ADDED word
is "the environment" "$(t new-window 'echo $ADDED > said; tmux wait-for -S added'; t wait-for added; cat said)" word
until_is 0 '#{window_index}'
t copy-mode
t send-keys -X search-backward 'through a'
t send-keys -X select-line
t send-keys -X copy-selection-and-cancel
is "copied" "$(t show-buffer)" "through a pipe"
is "by lines" "$(printf 'list-sessions -F "#{session_name}"\n\n' | t -C attach-session 2>/dev/null | grep -c '^one$\|^%exit')" 2
is "refused" "$(t kill-window -t 77 2>&1; echo $?)" "can't find window: 77
1"

# A terminal that comes, changes its size, and hangs up.
mkfifo never
sleep 1000 > never &
holder=$!
attach() {
	script -qc "stty rows 24 cols 80; exec tmux -S $socket attach-session" /dev/null > screen 2>&1 < never &
	terminal=$!
	until [ "$(t list-clients -F '#{client_width}x#{client_height}')" = 80x24 ]; do :; done
}
t set-option -w -u window-size
attach
until_is "80 24" '#{window_width} #{window_height}'
stty -F "$(t list-clients -F '#{client_tty}')" rows 30 cols 100
until_is "100 30" '#{window_width} #{window_height}'
kill -KILL $terminal
until [ -z "$(t list-clients)" ]; do :; done
is "outlives its terminal" "$(t list-sessions -F '#{session_name} #{session_attached}')" "one 0"
attach
t detach-client
wait $terminal
is "left" "$(grep -c 'detached (from session one)' screen)" 1
kill $holder

# The end.
t send-keys "exec sh -c 'trap \"echo hung up > end; exit\" HUP; tmux wait-for -S ran; while :; do sleep 0.1; done'" Enter
t wait-for ran
t kill-server
until [ -s end ]; do sleep 0.1; done
is "no server" "$(t list-sessions 2>&1; echo $?)" "no server running on $socket
1"
t new-session -d -s two
t display-message -p '#{pid}' | xargs kill -KILL
until ! t list-sessions > /dev/null 2>&1; do :; done
is "a socket that nobody listens at" "$(t list-sessions 2>&1)" "no server running on $socket"
t new-session -d -s three
is "is taken anew" "$(t list-sessions -F '#{session_name}')" three

finish sessions
