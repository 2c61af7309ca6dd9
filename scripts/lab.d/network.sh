# Namespaces, links, addresses and mirror ports. Sourced. Nothing here has a way out of the machine: no namespace is
# linked to the machine's own.

namespace() { # namespace NAME...
  local name
  for name; do
    echo "$PREFIX$name" >>"$RUN/namespaces"
    ip netns add "$PREFIX$name"
    inside "$name" sysctl -qw net.ipv6.conf.{all,default}.accept_dad=0 net.ipv6.conf.default.router_solicitations=0 \
      net.ipv4.conf.{all,default}.rp_filter=0
    in_namespace "$name" link set lo up
  done
}

inside() { # inside NAME COMMAND...: runs a command in a namespace
  local name=$1
  shift
  ip netns exec "$PREFIX$name" "$@"
}

in_namespace() { # in_namespace NAME ARGUMENTS OF ip...
  local name=$1
  shift
  ip -n "$PREFIX$name" "$@"
}

serve() { # serve PROCESS_NAME NAMESPACE COMMAND...: keeps a command running in a namespace
  local process=$1 name=$2
  shift 2
  start_process "$process" ip netns exec "$PREFIX$name" "$@"
}

router() { # router NAME...
  local name
  for name; do inside "$name" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1; done
}

# With offloads, a mirror shows packets that never were on a wire: larger than its MTU, and without checksums.
offloads() { # offloads on|off NAME INTERFACE
  inside "$2" ethtool -K "$3" tx "$1" sg "$1" tso "$1" gso "$1" gro "$1" >/dev/null 2>&1 || true
}

ipv4_only() { # ipv4_only NAME INTERFACE: no neighbour discovery and no router solicitations there
  inside "$1" sysctl -qw "net.ipv6.conf.$2.disable_ipv6=1"
}

link() { # link 4|6 NAME_A INTERFACE_A NAME_B INTERFACE_B: a cable for IPv4, or for both
  local version=$1
  ip link add "$3" netns "$PREFIX$2" type veth peer name "$5" netns "$PREFIX$4"
  local ends=("$2 $3" "$4 $5") end
  for end in "${ends[@]}"; do
    set -- $end
    offloads off "$1" "$2"
    if [ "$version" = 4 ]; then ipv4_only "$1" "$2"; fi
    in_namespace "$1" link set "$2" up
  done
}

vlan() { # vlan NAME INTERFACE TAG_INTERFACE ID [PROTOCOL]
  in_namespace "$1" link add link "$2" name "$3" type vlan proto "${5:-802.1Q}" id "$4"
  ipv4_only "$1" "$3"
  in_namespace "$1" link set "$3" up
}

address() { # address NAME INTERFACE ADDRESS/LENGTH...
  local name=$1 interface=$2 a
  shift 2
  for a; do
    case $a in
      *:*) in_namespace "$name" addr add "$a" dev "$interface" nodad ;;
      *) in_namespace "$name" addr add "$a" dev "$interface" ;;
    esac
  done
}

route() { # route NAME ARGUMENTS OF ip route add...
  local name=$1
  shift
  in_namespace "$name" route add "$@"
}

mtu() { # mtu OCTETS NAME INTERFACE
  in_namespace "$2" link set "$3" mtu "$1"
}

# A mirror port is a cable from a router to namespace `sensor`, where its interface has the port's name; both directions
# of the router's interfaces are copied to it. In user-mode Linux its far end is on the machine, where PORTS_OUTSIDE
# names the port: device vecN of the guest.
mirror_port() { # mirror_port NAME PORT INTERFACE...
  local name=$1 port=$2 interface vector
  shift 2
  vector=$(vector_device "$port")
  if [ -n "$vector" ]; then
    ip link set "$vector" netns "$PREFIX$name" name "m-$port"
  else
    ip link add "m-$port" netns "$PREFIX$name" type veth peer name "$port" netns "${PREFIX}sensor"
    listening_end "$port"
    echo "$name m-$port" >>"$RUN/mirrors"
  fi
  ipv4_only "$name" "m-$port"
  in_namespace "$name" link set "m-$port" mtu 9000 up
  for interface; do mirror "$name" "$interface" "$port"; done
}

# What is still sent stays where it is; the interfaces that sensors listen on stay up.
silence_mirrors() {
  local name interface
  [ -e "$RUN/mirrors" ] || return 0
  while read -r name interface; do in_namespace "$name" link set "$interface" down; done <"$RUN/mirrors"
}

vector_device() { # vector_device PORT: the guest's device for a port of the machine, or nothing
  local index=0 port
  for port in ${PORTS_OUTSIDE:-}; do
    if [ "$port" = "$1" ]; then echo "vec$index"; fi
    index=$((index + 1))
  done
}

listening_end() { # listening_end PORT: the sensor's side says nothing and hears all
  ipv4_only sensor "$1"
  in_namespace sensor link set "$1" mtu 9000 promisc on up
}

mirror() { # mirror NAME INTERFACE PORT: copies both directions of an interface
  local direction
  tc -n "$PREFIX$1" qdisc add dev "$2" clsact 2>/dev/null || true # there already when it feeds a second port
  for direction in ingress egress; do
    # Without `continue` the filter of the next port of this interface would not be asked.
    tc -n "$PREFIX$1" filter add dev "$2" "$direction" protocol all \
      u32 match u32 0 0 action mirred egress mirror dev "m-$3" continue
  done
}
