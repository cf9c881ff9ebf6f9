# Read by each bash that somebody types at, but the one of the login.

. /etc/shrc
