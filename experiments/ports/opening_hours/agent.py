"""A shop's chat endpoint: `python3 agent.py PORT` serves it and prints its address; a port of 0 is any free one."""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ANSWERS = {
    "sunday": "On Sundays we are closed.",
    "open": "We are open from 9 am to 6 pm, Monday to Saturday.",
    "park": "You can park behind the shop for two hours, free of charge.",
    "gift": "Gift cards are sold at the till, from £10 to £200.",
    "repair": "A repair takes about five working days.",
    "deliver": "We deliver within 20 miles; it costs £4.95.",
    "student": "Students get 10% off with a valid card.",
    "dog": "Dogs are welcome on a lead.",
    "manager": "I'm sorry, I can't give out names of our staff.",
    "phone": "Call us on 0123 496 0000.",
}
"""A word of the question -> the answer; the first that is there counts."""


def reply(question: str) -> str:
    words = question.lower()
    return next((answer for word, answer in ANSWERS.items() if word in words), "I don't know that.")


class Chat(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        said = {"reply": {"text": reply(asked["messages"][-1]["content"])}}
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


if __name__ == "__main__":
    with ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Chat) as server:
        sys.stdout.write(f"http://127.0.0.1:{server.server_port}/chat\n")
        sys.stdout.flush()
        server.serve_forever()
