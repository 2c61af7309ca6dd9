"""A minimal IRC server for the lab: irc-server.py PORT. It greets, lets join, answers one message, says goodbye."""

import socketserver
import sys
from socket import AF_INET6


class Session(socketserver.StreamRequestHandler):
    def handle(self):
        nick = "nobody"
        for raw in self.rfile:
            command, _, rest = raw.decode("ascii", "replace").strip().partition(" ")
            if command == "NICK":
                nick = rest
            elif command == "USER":
                self.reply(f":irc.lab 001 {nick} :Welcome to the lab, {nick}")
            elif command == "JOIN":
                self.reply(f":{nick}!user@host JOIN {rest}", f":irc.lab 332 {nick} {rest} :scan 75 5 0")
            elif command == "PRIVMSG":
                self.reply(f":peer!user@host PRIVMSG {rest}")
            elif command == "QUIT":
                self.reply("ERROR :Closing link")
                return

    def reply(self, *lines):
        self.wfile.write("".join(line + "\r\n" for line in lines).encode("ascii"))


class Server(socketserver.ThreadingTCPServer):
    address_family = AF_INET6
    allow_reuse_address = True
    daemon_threads = True


with Server(("::", int(sys.argv[1])), Session) as server:
    server.serve_forever()
