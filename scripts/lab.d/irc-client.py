"""One IRC conversation: irc-client.py ADDRESS PORT NICK [hopopts] [dstopts].

With hopopts or dstopts the kernel puts that IPv6 extension header into every segment (RFC 3542; needs CAP_NET_RAW).
Exits with 1 when the server does not say goodbye within 15 s.
"""

import socket
import sys
import time

OPTIONS = {"hopopts": socket.IPV6_HOPOPTS, "dstopts": socket.IPV6_DSTOPTS}
# Next header (the kernel fills it in), length 0 (8 octets in all), PadN of 4.
PADDING_ONLY = bytes([0, 0, 1, 4, 0, 0, 0, 0])

address, port, nick, *headers = sys.argv[1:]
with socket.socket(socket.AF_INET6) as connection:
    connection.settimeout(15)
    for header in headers:
        connection.setsockopt(socket.IPPROTO_IPV6, OPTIONS[header], PADDING_ONLY)
    connection.connect((address, int(port)))
    for line in (f"NICK {nick}", f"USER {nick} 0 * :lab", "JOIN #lab", "PRIVMSG #lab :scan done", "QUIT :bye"):
        connection.sendall(f"{line}\r\n".encode("ascii"))
        time.sleep(0.05)  # a segment for each line
    heard = b""
    while chunk := connection.recv(4096):
        heard += chunk
sys.exit(0 if b"ERROR :Closing link" in heard else 1)
