# Protocol 41 and its relatives with the kernel's own tunnels: two IPv4 hosts and a router between them. Sourced.
#
#   left (81.187.10.2) ---- core ---- right (84.20.40.2)
#
# The tunnels need sit, gre, ipip, ip6tnl and 802.1Q in the kernel, which is why this runs in user-mode Linux.

LEFT=81.187.10.2
RIGHT=84.20.40.2
LEFT_6TO4=2002:51bb:a02
RIGHT_6TO4=2002:5414:2802

build_protocol41() { # build_protocol41 PORT...
  namespace core left right sensor
  router core right
  link 4 core c-left left e0
  link 4 core c-right right e0
  address core c-left 81.187.10.1/30
  address core c-right 84.20.40.1/30
  address left e0 $LEFT/30
  address right e0 $RIGHT/30
  route left default via 81.187.10.1
  route right default via 84.20.40.1
  local port
  for port; do
    case $port in
      left) mirror_port core left c-left ;;
      trunk | vlan-device) ;; # the scenario makes the interfaces that they copy
    esac
  done
  web_and_irc_servers right
}

# Runs a function for each end: NAME LOCAL REMOTE OWN_DIGIT PEER_DIGIT.
at_both_ends() { # at_both_ends FUNCTION ARGUMENTS...
  "$1" left $LEFT $RIGHT 1 2 "${@:2}"
  "$1" right $RIGHT $LEFT 2 1 "${@:2}"
}

tunnel_device() { # tunnel_device NAME DEVICE ADDRESS ARGUMENTS OF ip tunnel add...
  local name=$1 device=$2 own=$3
  shift 3
  in_namespace "$name" tunnel add "$device" "$@"
  in_namespace "$name" link set "$device" up
  address "$name" "$device" "$own"
}

sit_end() { # a configured tunnel with native addresses; further arguments go to ip tunnel
  tunnel_device "$1" sit1 "2001:470:aaaa::$4/64" mode sit local "$2" remote "$3" "${@:6}"
}

sit() { # sit [ARGUMENTS OF ip tunnel add...]
  at_both_ends sit_end "${@:-ttl 64}"
  sleep 0.3
}

SIT_RIGHT=2001:470:aaaa::2

play_6in4() {
  sit ttl 64
  ping6 left $SIT_RIGHT
  irc left $SIT_RIGHT
  http left $SIT_RIGHT
}

play_6in4-destination-options() {
  sit ttl 64
  irc left $SIT_RIGHT dstopts
}

play_6in4-hop-by-hop-options() {
  sit ttl 64
  irc left $SIT_RIGHT hopopts dstopts
}

play_6in4-inner-fragments() {
  sit ttl 64
  ping6 left $SIT_RIGHT 2 3000
}

play_6in4-outer-fragments() {
  mtu 900 core c-left
  mtu 900 left e0
  sit nopmtudisc
  mtu 1480 left sit1
  mtu 1480 right sit1
  ping6 left $SIT_RIGHT 2 1200
  irc left $SIT_RIGHT
  http left $SIT_RIGHT big.txt
}

# sit forbids fragmentation unless it is told otherwise; the router answers with "fragmentation needed". The first
# ping is lost to that.
play_6in4-path-mtu() {
  mtu 1400 core c-right
  mtu 1400 right e0
  sit ttl 64
  ping6 left $SIT_RIGHT 4 1400
}

sixtofour_end() {
  local prefix=$LEFT_6TO4
  if [ "$1" = right ]; then prefix=$RIGHT_6TO4; fi
  tunnel_device "$1" sit1 "$prefix::1/16" mode sit local "$2" ttl 64
}

play_6to4() {
  at_both_ends sixtofour_end
  sleep 0.3
  ping6 left $RIGHT_6TO4::1
  irc left $RIGHT_6TO4::1
}

# The right host is a relay at 192.88.99.1, and the native host behind it.
play_6to4-anycast() {
  address right lo 192.88.99.1/32 2001:470:bbbb::1/128
  route core 192.88.99.1/32 via $RIGHT
  tunnel_device left sit1 $LEFT_6TO4::1/16 mode sit local $LEFT ttl 64
  route left default via ::192.88.99.1 dev sit1
  in_namespace right tunnel add sit1 mode sit local 192.88.99.1 ttl 64
  in_namespace right link set sit1 up
  route right 2002::/16 dev sit1
  sleep 0.3
  ping6 left 2001:470:bbbb::1
  irc left 2001:470:bbbb::1
}

# The interface identifier of a public IPv4 address is 0200:5efe (RFC 5214 6.1).
play_isatap() {
  local router=200:5efe:5414:2802
  in_namespace left tunnel add isatap1 mode isatap local $LEFT ttl 64
  in_namespace left tunnel prl prl-default $RIGHT dev isatap1
  inside left sysctl -qw net.ipv6.conf.isatap1.accept_ra=1
  in_namespace left link set isatap1 up
  tunnel_device right isatap1 2001:470:cccc::$router/64 mode isatap local $RIGHT ttl 64
  inside right sysctl -qw net.ipv6.conf.isatap1.forwarding=1
  cat >"$RUN/radvd.conf" <<-RADVD
	interface isatap1 {
	  AdvSendAdvert on; UnicastOnly on; AdvLinkMTU 1280;
	  prefix 2001:470:cccc::/64 { AdvOnLink on; AdvAutonomous on; };
	};
	RADVD
  serve radvd right radvd -n -C "$RUN/radvd.conf" -p "$RUN/radvd.pid"
  sleep 1
  inside left rdisc6 -1 -w 2000 "fe80::$router" isatap1
  sleep 0.5
  ping6 left 2001:470:cccc::$router
  irc left 2001:470:cccc::$router
}

# A provider's prefix 2a01:e00::/32 and all 32 bits of the IPv4 address. The guest's kernel has no 6rd, so the next hop
# of the other end is written down instead of derived; the packets are the same.
sixrd_end() {
  local own=51bb:a02 peer=5414:2802
  if [ "$1" = right ]; then own=5414:2802 peer=51bb:a02; fi
  tunnel_device "$1" sit1 "2a01:e00:$own::1/128" mode sit local "$2" ttl 64
  route "$1" "2a01:e00:$peer::/64" via "::$3" dev sit1
}

play_6rd() {
  at_both_ends sixrd_end
  sleep 0.3
  ping6 left 2a01:e00:5414:2802::1
  irc left 2a01:e00:5414:2802::1
}

# Puts an IPv6 tunnel device into the configured tunnel: NAME .. .. OWN PEER MODE ADDRESS_PREFIX LENGTH [ARGUMENTS].
over_sit_end() {
  in_namespace "$1" -6 tunnel add inner1 mode "$6" local "2001:470:aaaa::$4" remote "2001:470:aaaa::$5" dev sit1 "${@:9}"
  in_namespace "$1" link set inner1 up
  address "$1" inner1 "$7$4/$8"
}

play_nested-6in6() {
  sit ttl 64
  at_both_ends over_sit_end ip6ip6 2001:470:dddd:: 64 encaplimit none
  sleep 0.3
  ping6 left 2001:470:dddd::2
  irc left 2001:470:dddd::2
}

# The kernel's default: a Destination Options header with the encapsulation limit before the inner header.
play_nested-6in6-encapsulation-limit() {
  sit ttl 64
  at_both_ends over_sit_end ip6ip6 2001:470:dddd:: 64
  sleep 0.3
  ping6 left 2001:470:dddd::2
  irc left 2001:470:dddd::2
}

inner_sit_end() { # inner_sit_end .. ADDRESS_PREFIX: a second configured tunnel, over IPv4 addresses of the first
  tunnel_device "$1" sit2 "2001:470:eeee::$4/64" mode sit local "$6$4" remote "$6$5" ttl 64
}

play_nested-6in4-in-4in6() {
  sit ttl 64
  at_both_ends over_sit_end ipip6 10.66.0. 30 encaplimit none
  at_both_ends inner_sit_end 10.66.0.
  sleep 0.3
  ping6 left 2001:470:eeee::2
  irc left 2001:470:eeee::2
}

carrier_end() { # carrier_end .. gre|ipip
  tunnel_device "$1" carrier1 "10.77.0.$4/30" mode "$6" local "$2" remote "$3" ttl 64
}

vxlan_end() {
  in_namespace "$1" link add carrier1 type vxlan id 42 local "$2" remote "$3" dstport 4789
  ipv4_only "$1" carrier1
  in_namespace "$1" link set carrier1 up
  address "$1" carrier1 "10.77.0.$4/30"
}

play_6in4_over() { # play_6in4_over FUNCTION ARGUMENTS...: 6in4 inside another IPv4 carrier
  at_both_ends "$@"
  at_both_ends inner_sit_end 10.77.0.
  sleep 0.5
  ping6 left 2001:470:eeee::2
  irc left 2001:470:eeee::2
}

play_nested-gre() { play_6in4_over carrier_end gre; }
play_nested-ipip() { play_6in4_over carrier_end ipip; }
play_nested-vxlan() { play_6in4_over vxlan_end; }

# A second cable between core and left, a trunk, with 6in4 on a VLAN of it: VLAN interface v100 on top of $1.
sit_on_vlan() { # sit_on_vlan INTERFACE_BELOW
  vlan core "$1" v100 100
  vlan left "$1" v100 100
  address core v100 82.1.1.1/30
  address left v100 82.1.1.2/30
  route left $RIGHT/32 via 82.1.1.1
  tunnel_device left sit1 2001:470:ffff::1/64 mode sit local 82.1.1.2 remote $RIGHT ttl 64
  tunnel_device right sit1 2001:470:ffff::2/64 mode sit local $RIGHT remote 82.1.1.2 ttl 64
}

play_vlan() {
  link 4 core trunk left trunk
  sit_on_vlan trunk
  mirror_port core trunk trunk
  mirror_port core vlan-device v100
  sleep 0.3
  ping6 left 2001:470:ffff::2
  irc left 2001:470:ffff::2
}

play_qinq() {
  link 4 core trunk left trunk
  vlan core trunk s200 200 802.1ad
  vlan left trunk s200 200 802.1ad
  sit_on_vlan s200
  mirror_port core trunk trunk
  sleep 0.3
  ping6 left 2001:470:ffff::2
  irc left 2001:470:ffff::2
}

# What a mirror inside a machine sees: packets of many segments, with checksums that nobody computed.
play_6in4-offloads-on() {
  offloads on left e0
  offloads on core c-left
  offloads on core c-right
  offloads on right e0
  sit ttl 64
  http left $SIT_RIGHT big.txt
}
