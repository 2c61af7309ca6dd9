# What listens on the mirror ports. Sourced. Two commands for each port, both in namespace `sensor`:
#   LAB_RECORDER  keeps what the port saw in {file}; this is what `copperhull replay` gets
#   LAB_SENSOR    a live sensor that writes its logs into {out}; `copperhull run` unless it is set, none when it is `none`
# {interface}, {file}, {out}, {http} and {rules} are replaced; {http} is a free port on loopback, {rules} is a folder with
# the lab's own rules.

TCPDUMP='tcpdump -i {interface} -w {file} -s 0 -U -Z root -B 16384 --immediate-mode --time-stamp-precision=nano'
LIVE_SENSOR="$LAB/live-sensor {interface} {out} {http} {rules}"
LAB_RECORDER=${LAB_RECORDER:-$TCPDUMP}
LAB_SENSOR=${LAB_SENSOR:-$LIVE_SENSOR}
FIRST_HTTP_PORT=9479
START_TENTHS=300 # user-mode Linux is slow
STOP_TENTHS=150

filled_in() { # filled_in TEMPLATE PORT HTTP_PORT
  local text=$1
  text=${text//'{interface}'/$2}
  text=${text//'{file}'/$OUT/$2.pcap}
  text=${text//'{out}'/$(live_folder "$2")}
  text=${text//'{http}'/$3}
  text=${text//'{rules}'/$LAB/rules}
  echo "$text"
}

# Not in OUT, which a sensor that is no longer root may not be able to reach.
live_folder() { # live_folder PORT
  echo "$RUN/live/$1"
}

# The kernel's own list says when a listener gets packets, whatever program it is: bound, running, all protocols.
listeners() { # listeners PORT
  local index
  index=$(inside sensor cat "/sys/class/net/$1/ifindex")
  inside sensor awk -v index_="$index" '$4 == "0003" && $5 == index_ && $6 == 1 { n++ } END { print n + 0 }' /proc/net/packet
}

# A sensor may listen before its filter is set; ours says itself when it does its work.
is_ready() { # is_ready HTTP_PORT
  [ "$LAB_SENSOR" != "$LIVE_SENSOR" ] || inside sensor curl -sf -m 2 -o /dev/null "http://127.0.0.1:$1/readyz"
}

wait_for_listeners() { # wait_for_listeners COUNT PORT PROCESS [HTTP_PORT]
  local i
  for ((i = 0; i < START_TENTHS; i++)); do
    if [ "$(listeners "$2")" -ge "$1" ]; then
      if [ -z "${4:-}" ] || is_ready "$4"; then return 0; fi
    fi
    is_running "$3" || break
    sleep 0.1
  done
  echo "lab: $3 is not ready on mirror port $2; its output is in log/$3: $(tail -n 1 "$RUN/log/$3")" >&2
  return 1
}

# All are started, then all are waited for.
start_sensors() { # start_sensors PORT...
  local port http=$FIRST_HTTP_PORT
  for port; do
    serve "record-$port" sensor bash -c "exec $(filled_in "$LAB_RECORDER" "$port" 0)"
    wait_for_listeners 1 "$port" "record-$port"
  done
  [ "$LAB_SENSOR" != none ] || return 0
  chmod a+x "$RUN"
  for port; do
    mkdir -p "$(live_folder "$port")"
    serve "sensor-$port" sensor bash -c "exec $(filled_in "$LAB_SENSOR" "$port" $http)"
    http=$((http + 1))
  done
  http=$FIRST_HTTP_PORT
  for port; do
    wait_for_listeners 2 "$port" "sensor-$port" $http
    http=$((http + 1))
  done
}

# After the last packets came through. The mirrors fall silent first, so that recorder and sensor see the same end.
stop_sensors() { # stop_sensors PORT...
  local port status failed=0
  silence_mirrors
  sleep 0.5
  if [ "$LAB_SENSOR" != none ]; then
    for port; do signal_process "sensor-$port" TERM; done
    for port; do
      status=0
      end_of_process "sensor-$port" "$STOP_TENTHS" || status=$?
      mv "$(live_folder "$port")" "$OUT/$port.live"
      [ "$status" -eq 0 ] || {
        echo "lab: the sensor on mirror port $port ended with $status; its output is in log/sensor-$port" >&2
        failed=1
      }
    done
    rmdir "$RUN/live"
  fi
  for port; do stop_process "record-$port"; done
  return "$failed"
}
