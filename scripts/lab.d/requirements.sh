# What the lab needs from the machine. Sourced.

# command:package (Debian)
NEEDED=(
  miredo:miredo miredo-server:miredo-server linux.uml:user-mode-linux ip:iproute2 tc:iproute2 tcpdump:tcpdump
  nft:nftables iptables-legacy:iptables sysctl:procps ethtool:ethtool modprobe:kmod radvd:radvd rdisc6:ndisc6
  ping:iputils-ping curl:curl python3:python3 setsid:util-linux mount:mount node:nodejs
)

missing_packages() {
  local need
  for need in "${NEEDED[@]}"; do
    command -v "${need%%:*}" >/dev/null || echo "${need#*:}"
  done | sort -u
}

# One sentence about the first thing that stands in the way; nothing when the lab can run.
obstacle() {
  local missing probe=chl-probe-$$
  if [ "$(uname -s)" != Linux ]; then
    echo "the lab needs Linux."
  elif [ "$(id -u)" -ne 0 ]; then
    echo "the lab needs root: it makes network namespaces, and Miredo changes its user."
  else
    missing=$(missing_packages | tr '\n' ' ')
    if [ -n "$missing" ]; then
      echo "packages are missing: ${missing% }; scripts/lab setup installs them on Debian."
    elif [ "$LAB_SENSOR" = "$LIVE_SENSOR" ] && [ ! -e build/native/copperhull-capture.node ]; then
      echo "the live sensor's capture addon is not built; run scripts/build-native, or set LAB_SENSOR=none."
    elif [ "$LAB_SENSOR" = "$LIVE_SENSOR" ] && ! setpriv --reuid nobody --clear-groups test -r "$PWD/package.json"; then
      echo "user nobody, whom the live sensor becomes, may not read $PWD; move it to where all may, or set LAB_SENSOR=none."
    elif [ ! -c /dev/net/tun ]; then
      echo "/dev/net/tun is missing; load the kernel module tun."
    elif ! ip netns add "$probe" 2>/dev/null; then
      echo "this machine does not let root make network namespaces (ip netns add failed); give the container CAP_SYS_ADMIN."
    else
      ip -n "$probe" link add probe0 type veth peer name probe1 2>/dev/null &&
        tc -n "$probe" qdisc add dev probe0 clsact 2>/dev/null &&
        tc -n "$probe" filter add dev probe0 egress protocol all u32 match u32 0 0 action mirred egress mirror dev probe1 2>/dev/null ||
        echo "this kernel cannot mirror between virtual interfaces (veth, clsact, u32, mirred)."
      ip netns del "$probe"
    fi
  fi
}

setup() {
  local packages
  packages=$(missing_packages)
  if [ -z "$packages" ]; then
    echo "lab: all packages are there"
    return
  fi
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    fail "packages are missing: $(echo $packages); install them (Debian: apt-get install $(echo $packages))."
  fi
  echo "lab: installing" $packages
  apt-get update -qq
  install_without_services $packages
}

# Debian starts Miredo and radvd when they are installed; the lab starts its own, in its namespaces only.
install_without_services() {
  local policy=/usr/sbin/policy-rc.d service
  if [ ! -e "$policy" ]; then
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
  fi
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null ||
    fail "apt-get could not install $*; its messages are above."
  for service in miredo miredo-server radvd; do
    case " $* " in *" $service "*) update-rc.d "$service" disable >/dev/null 2>&1 || true ;; esac
  done
}
