"""Sends the frames of a capture over a veth pair and captures them with a filter, live, at several interfaces.

Usage, inside a network namespace of its own: live_capture.py FRAMES.pcap FILTER.txt OUT_FOLDER INTERFACE...
INTERFACE is cf0 (the sender's end: tags are in the octets), cf1 (the receiver's: the kernel strips the outer tag into
metadata) or any (cooked). The last frame must pass the filter: its last 16 octets are the sign that all came through.
"""

import atexit
import os
import re
import socket
import struct
import subprocess
import sys
import time

DEADLINE_SECONDS = 30
frames_path, filter_path, out_folder, *interfaces = sys.argv[1:]


def run(*command):
    subprocess.run(command, check=True)


def frames():
    data = open(frames_path, "rb").read()
    at = 24
    while at < len(data):
        length = struct.unpack_from("<I", data, at + 8)[0]
        yield data[at + 16 : at + 16 + length]
        at += 16 + length


for scope in ("all", "default"):
    path = f"/proc/sys/net/ipv6/conf/{scope}/disable_ipv6"
    if os.path.exists(path):
        open(path, "w").write("1")
run("ip", "link", "add", "cf0", "mtu", "9000", "type", "veth", "peer", "name", "cf1", "mtu", "9000")
for name in ("cf0", "cf1"):
    run("ip", "link", "set", name, "up")
while any("LOWER_UP" not in subprocess.check_output(["ip", "link", "show", name], text=True) for name in ("cf0", "cf1")):
    time.sleep(0.01)

everything = list(frames())
sign = everything[-1][-16:]
deadline = time.monotonic() + DEADLINE_SECONDS
captures = []
for name in interfaces:
    out = os.path.join(out_folder, f"{name}.pcap")
    options = ["-y", "LINUX_SLL2"] if name == "any" else []
    process = subprocess.Popen(
        ["tcpdump", "-i", name, *options, "-Z", "root", "-U", "-s", "9100", "-B", "16384", "-w", out, "-F", filter_path],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    atexit.register(process.kill)
    told = b""
    while b"listening on" not in told:
        line = process.stderr.readline()
        if line == b"":
            sys.exit(f"tcpdump on {name} ended: {told.decode()}")
        told += line
    if re.search(rb"can't|cannot|failed", told):
        sys.exit(f"tcpdump on {name}: {told.decode()}")
    captures.append((process, out))

# On one processor frames keep their order.
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
sender.bind(("cf0", 0))
for number, frame in enumerate(everything):
    sender.send(frame)
    if number % 100 == 99:
        time.sleep(0.005)

for process, out in captures:
    while not (os.path.exists(out) and sign in open(out, "rb").read()):
        if time.monotonic() > deadline:
            sys.exit(f"the last frame did not come through to {out}")
        time.sleep(0.02)
    process.terminate()
    process.wait()
    told = process.stderr.read().decode()
    if "0 packets dropped by kernel" not in told:
        sys.exit(told)
