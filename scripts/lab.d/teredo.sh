# Teredo with Miredo: clients behind NATs and without, server, relay, a native IPv6 host. Sourced.
#
#   client-a -- nat-a --+                +-- server (65.55.158.80, .81) --+
#   client-b -- nat-b --+---- core ------+                                +-- native (2001:470:1f0b:1::10)
#   client-c, client-d -+                +-- relay (83.150.30.2) ---------+
#
# The addresses look public because the sensor judges public addresses otherwise than private ones; the server's is one
# that was withdrawn. TEREDO_VLAN puts the cable core -- nat-a on an 802.1Q trunk. TEREDO_NAT=answers makes both NATs
# answer datagrams that nobody asked for with ICMP port unreachable.

TEREDO_SERVER=65.55.158.80
DEAD_SERVER=65.55.158.90
NATIVE=2001:470:1f0b:1::10

build_teredo() { # build_teredo PORT...: the network with these mirror ports
  namespace core server nat-a nat-b client-a client-b client-c client-d relay native sensor
  router core nat-a nat-b server relay native
  link 4 core c-server server e0
  link 4 core c-nat-b nat-b e0
  link 4 core c-client-c client-c e0
  link 4 core c-client-d client-d e0
  link 4 core c-relay relay e0
  if [ -n "${TEREDO_VLAN:-}" ]; then
    link 4 core trunk nat-a trunk
    vlan core trunk c-nat-a "$TEREDO_VLAN"
    vlan nat-a trunk e0 "$TEREDO_VLAN"
  else
    link 4 core c-nat-a nat-a e0
  fi
  public_address c-server server 65.55.158.1 $TEREDO_SERVER 24
  address server e0 65.55.158.81/24
  public_address c-nat-a nat-a 81.187.10.1 81.187.10.2 30
  public_address c-nat-b nat-b 84.20.40.1 84.20.40.2 30
  public_address c-client-c client-c 82.94.20.1 82.94.20.2 30
  public_address c-client-d client-d 85.10.20.1 85.10.20.2 30
  public_address c-relay relay 83.150.30.1 83.150.30.2 30
  behind_nat client-a nat-a 192.168.77
  behind_nat client-b nat-b 192.168.78
  route core blackhole $DEAD_SERVER/32 # silence, not ICMP
  link 6 relay v6 native v6-relay
  link 6 server v6 native v6-server
  address relay v6 2001:470:1f0b:1::1/64
  address native v6-relay $NATIVE/64
  address server v6 2001:470:1f0b:2::1/64
  address native v6-server 2001:470:1f0b:2::10/64
  route relay default via $NATIVE
  route server default via 2001:470:1f0b:2::10
  route native 2001::/32 via 2001:470:1f0b:1::1
  local port
  for port; do teredo_mirror_port "$port"; done
  web_and_irc_servers native
  start_miredo_server
  start_relay
}

public_address() { # public_address CORE_INTERFACE NAME CORE_ADDRESS ADDRESS LENGTH
  address core "$1" "$3/$5"
  address "$2" e0 "$4/$5"
  route "$2" default via "$3"
}

behind_nat() { # behind_nat CLIENT NAT FIRST_THREE_OCTETS
  link 4 "$2" inside "$1" e0
  address "$2" inside "$3.1/24"
  address "$1" e0 "$3.10/24"
  route "$1" default via "$3.1"
  nat "$2"
}

# Port-restricted. A Linux NAT that answers an unasked bubble with ICMP also remembers it, and masquerade then takes
# another port for the bubble that answers: hole punching fails. That is TEREDO_NAT=answers.
nat() { # nat NAME
  local drops_unasked=yes
  if [ "${TEREDO_NAT:-}" = answers ]; then drops_unasked=; fi
  if inside "$1" nft add table ip lab 2>/dev/null; then
    inside "$1" nft -f - <<-RULES
	table ip lab {
	  chain from_inside { type nat hook postrouting priority 100; oifname "e0" masquerade; }
	  chain through {
	    type filter hook forward priority 0;
	    iifname "e0" ct state established,related accept
	    iifname "e0" drop
	  }
	  chain to_itself {
	    type filter hook input priority 0;
	    ${drops_unasked:+iifname "e0" ct state new meta l4proto udp drop}
	  }
	}
	RULES
    return
  fi
  # The kernel of user-mode Linux has iptables and no nf_tables for IPv4.
  inside "$1" iptables-legacy -t nat -A POSTROUTING -o e0 -j MASQUERADE
  inside "$1" iptables-legacy -A FORWARD -i e0 -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
  inside "$1" iptables-legacy -A FORWARD -i e0 -j DROP
  if [ -n "$drops_unasked" ]; then
    inside "$1" iptables-legacy -A INPUT -i e0 -p udp -m conntrack --ctstate NEW -j DROP
  fi
}

teredo_mirror_port() { # teredo_mirror_port PORT
  case $1 in
    nat-inside) mirror_port nat-a "$1" inside ;;
    nat-outside | vlan-device) mirror_port core "$1" c-nat-a ;;
    trunk) mirror_port core "$1" trunk ;;
    client-c | client-d) mirror_port core "$1" "c-$1" ;;
    all-ports) mirror_port core "$1" c-server c-nat-a c-nat-b c-client-c c-client-d c-relay ;;
  esac
}

start_miredo_server() {
  echo "ServerBindAddress $TEREDO_SERVER" >"$RUN/server.conf"
  serve miredo-server server miredo-server -f -c "$RUN/server.conf" -p "$RUN/server.pid"
}

start_relay() {
  printf 'InterfaceName teredo\nRelayType cone\n' >"$RUN/relay.conf"
  serve miredo-relay relay miredo -f -c "$RUN/relay.conf" -p "$RUN/relay.pid"
  wait_for_address relay fe80::ffff:ffff:ffff # a relay has only that, when it is ready
}

client_configuration() { # client_configuration NAME [SERVER]
  printf 'InterfaceName teredo\nServerAddress %s\n' "${2:-$TEREDO_SERVER}" >"$RUN/$1.conf"
}

start_client() { # start_client NAME [SERVER]
  client_configuration "$@"
  serve "miredo-$1" "$1" miredo -f -c "$RUN/$1.conf" -p "$RUN/$1.pid"
}

qualify() { # qualify NAME...: starts clients and waits until each has its Teredo address
  local name
  for name; do
    start_client "$name"
    wait_for_address "$name" 2001:
  done
  sleep 0.5
}

wait_for_address() { # wait_for_address NAME BEGIN: an IPv6 address on interface teredo
  local i
  for ((i = 0; i < 200; i++)); do
    if in_namespace "$1" -6 -br addr show dev teredo 2>/dev/null | grep -q " $2"; then return; fi
    sleep 0.05
  done
  echo "lab: $1 got no Teredo address within 10 s; its output is in log/miredo-$1" >&2
  return 1
}

teredo_address() { # teredo_address NAME
  in_namespace "$1" -6 -o addr show dev teredo scope global | sed -E 's/.* inet6 ([^/]+).*/\1/;q'
}

play_teredo-qualify() {
  qualify client-a
  ping6 client-a $NATIVE 3
  irc client-a $NATIVE
  http client-a $NATIVE
}

with_teredo-vlan() { TEREDO_VLAN=100; }

play_teredo-vlan() {
  qualify client-a
  ping6 client-a $NATIVE
  irc client-a $NATIVE
}

# Three solicitations 4 s apart, a pause of 100 s, three again.
play_teredo-dead-server() {
  start_client client-d $DEAD_SERVER
  for_seconds 230 9
}

# A client that has nothing to say asks its server again every 30 s.
play_teredo-idle() {
  qualify client-c
  for_seconds 155 35
}

play_teredo-client-to-client() {
  local peer
  serve irc-client-b client-b python3 "$LAB/irc-server.py" 6667
  qualify client-a client-b
  peer=$(teredo_address client-b)
  ping6 client-a "$peer" 3
  irc client-a "$peer"
}

with_teredo-port-clash() { TEREDO_NAT=answers; }

play_teredo-port-clash() {
  qualify client-a client-b
  unanswered_ping6 client-a "$(teredo_address client-b)" 5
}

play_teredo-relay-down() {
  local host
  stop_process miredo-relay
  qualify client-a
  unanswered_ping6 client-a $NATIVE 8
  for host in 20 21 22 23 24 25; do unanswered_ping6 client-a 2001:470:1f0b:1::$host 1; done
  for_seconds 6 1
}

# The relay answers for itself and passes nothing on.
play_teredo-relay-drops-data() {
  inside relay nft -f - <<-RULES
	table ip6 lab { chain through { type filter hook forward priority 0; iifname "teredo" drop; }; }
	RULES
  qualify client-a
  unanswered_ping6 client-a $NATIVE 5
  unanswered_irc client-a $NATIVE 12
}

# Miredo forbids no fragmentation: its datagrams are split on a link of 900 octets.
play_teredo-low-mtu() {
  mtu 900 core c-nat-a
  mtu 900 nat-a e0
  qualify client-a
  http client-a $NATIVE big.txt
}
