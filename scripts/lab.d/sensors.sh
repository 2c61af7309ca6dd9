# What listens on the mirror ports. Sourced. Two commands for each port, both in namespace `sensor`:
#   LAB_RECORDER  keeps what the port saw in {file}; this is what `copperhull replay` gets
#   LAB_SENSOR    a live sensor that writes its logs into {out}; none unless it is set
# {interface}, {file}, {out} and {rules} are replaced; {rules} is a folder with the lab's own rules.

TCPDUMP='tcpdump -i {interface} -w {file} -s 0 -U -Z root -B 16384 --immediate-mode --time-stamp-precision=nano'
LAB_RECORDER=${LAB_RECORDER:-$TCPDUMP}
LAB_SENSOR=${LAB_SENSOR:-}

filled_in() { # filled_in TEMPLATE PORT
  local text=$1
  text=${text//'{interface}'/$2}
  text=${text//'{file}'/$OUT/$2.pcap}
  text=${text//'{out}'/$OUT/$2.live}
  text=${text//'{rules}'/$LAB/rules}
  echo "$text"
}

# The kernel's own list says when a listener gets packets, whatever program it is: bound, running, all protocols.
listeners() { # listeners PORT
  local index
  index=$(inside sensor cat "/sys/class/net/$1/ifindex")
  inside sensor awk -v index_="$index" '$4 == "0003" && $5 == index_ && $6 == 1 { n++ } END { print n + 0 }' /proc/net/packet
}

wait_for_listeners() { # wait_for_listeners COUNT PORT LOG
  local i
  for ((i = 0; i < 150; i++)); do
    [ "$(listeners "$2")" -lt "$1" ] || return 0
    sleep 0.1
  done
  echo "lab: nothing listened on mirror port $2 within 15 s; its output is in log/$3" >&2
  return 1
}

start_sensors() { # start_sensors PORT...
  local port
  for port; do
    serve "record-$port" sensor bash -c "exec $(filled_in "$LAB_RECORDER" "$port")"
    wait_for_listeners 1 "$port" "record-$port"
    [ -n "$LAB_SENSOR" ] || continue
    mkdir -p "$OUT/$port.live"
    serve "sensor-$port" sensor bash -c "exec $(filled_in "$LAB_SENSOR" "$port")"
    wait_for_listeners 2 "$port" "sensor-$port"
  done
}

stop_sensors() { # stop_sensors PORT...: after the last packets came through
  local port
  sleep 0.5
  for port; do
    stop_process "sensor-$port" TERM 150
    stop_process "record-$port"
  done
}
