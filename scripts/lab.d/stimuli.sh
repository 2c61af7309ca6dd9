# What hosts of the lab do, each bounded in time. Sourced.

ping6() { # ping6 NAME ADDRESS [COUNT] [OCTETS]
  inside "$1" ping -6 -n -q -c "${3:-2}" -i 0.3 -W 4 -s "${4:-56}" "$2"
}

irc() { # irc NAME ADDRESS [EXTENSION HEADER...]
  local name=$1 address=$2
  shift 2
  inside "$name" timeout 30 python3 "$LAB/irc-client.py" "$address" 6667 labbot "$@"
}

http() { # http NAME ADDRESS [PATH]
  inside "$1" curl -sS -m 20 -A 'Mozilla/4.0 (lab)' -o /dev/null -w 'HTTP %{http_code}, %{size_download} octets\n' \
    "http://[$2]/${3:-}"
}

# A connection attempt that nobody answers; the kernel repeats its SYN after 1, 3 and 7 s.
unanswered_irc() { # unanswered_irc NAME ADDRESS SECONDS
  inside "$1" timeout "$3" python3 "$LAB/irc-client.py" "$2" 6667 labbot 2>/dev/null && return 1
  return 0
}

unanswered_ping6() { # unanswered_ping6 NAME ADDRESS COUNT
  inside "$1" ping -6 -n -q -c "$3" -i 1 -W 1 "$2" && return 1
  return 0
}

web_and_irc_servers() { # web_and_irc_servers NAME
  echo '<html>hello from the lab</html>' >"$RUN/www/index.html"
  seq 1 9500 >"$RUN/www/big.txt"
  serve "http-$1" "$1" python3 -m http.server 80 --bind :: --directory "$RUN/www"
  serve "irc-$1" "$1" python3 "$LAB/irc-server.py" 6667
  wait_for_tcp "$1" 80
  wait_for_tcp "$1" 6667
}

wait_for_tcp() { # wait_for_tcp NAME PORT
  local i hex
  hex=$(printf ':%04X' "$2")
  for ((i = 0; i < 200; i++)); do
    # State 0A is LISTEN.
    if inside "$1" awk -v port="$hex" '$4 == "0A" && substr($2, length($2) - 4) == port { found = 1 } END { exit !found }' \
      /proc/net/tcp6; then return; fi
    sleep 0.1
  done
  echo "lab: no server on port $2 of $1 within 20 s" >&2
  return 1
}

# A long scenario is the whole story; the quick one shows its beginning.
for_seconds() { # for_seconds LONG QUICK
  if [ "${LAB_QUICK:-}" = 1 ]; then sleep "$2"; else sleep "$1"; fi
}
