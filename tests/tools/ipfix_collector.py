#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""An IPFIX collector that can be made to misbehave, and a count of what collectors received.

    ipfix_collector.py serve PORT NAME CONTROL   # TCP on 127.0.0.1; session n goes to NAME.n
    ipfix_collector.py count [--messages N] FILE...  # JSON: what is in sessions, files or spools

`serve` obeys words that come over the FIFO CONTROL, one a line: stop (reading), read, close and reset
(the session), garbage (say something senseless), away (close the listener and the session), back
(listen again), end. `count` decodes by itself, so that it judges what Leat wrote: each file is one
session, with templates and sequence numbers of its own.
"""
import json
import os
import random
import select
import socket
import struct
import sys


class Collector:
    def __init__(self, port, name):
        self.port, self.name = port, name
        self.sessions = 0
        self.reading = True
        self.listener = self.session = self.file = None
        self.back()

    def back(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self.listener.bind(('127.0.0.1', self.port))
        self.listener.listen(4)

    def accept(self):
        if self.session:
            self.close()
        self.session = self.listener.accept()[0]
        self.file = open(f'{self.name}.{self.sessions}', 'wb')
        self.sessions += 1

    def close(self):
        if self.session:
            self.session.close()
            self.file.close()
        self.session = None

    def reset(self):
        if self.session:  # RST in place of FIN
            self.session.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        self.close()

    def away(self):
        self.reset()
        self.listener.close()
        self.listener = None

    def stop(self):
        self.reading = False

    def read(self):
        self.reading = True

    def garbage(self):
        self.session.sendall(random.Random(1).randbytes(100000))

    def receive(self):
        try:
            data = self.session.recv(65536)
        except ConnectionError:
            data = b''
        if not data:
            self.close()
            return
        self.file.write(data)
        self.file.flush()

    def run(self, control):
        words = os.fdopen(os.open(control, os.O_RDWR), 'rb', buffering=0)
        while True:
            wanted = [words]
            if self.listener:
                wanted.append(self.listener)
            if self.session and self.reading:
                wanted.append(self.session)
            for ready in select.select(wanted, [], [])[0]:
                if ready is words:
                    for word in os.read(words.fileno(), 4096).decode().split():
                        if word == 'end':
                            self.close()
                            return
                        getattr(self, word)()
                    break
                if ready is self.listener:
                    self.accept()
                elif ready is self.session:
                    self.receive()


ELEMENTS = {2: 'packets', 41: 'messages', 164: 'ignored_packets', 165: 'ignored_octets',
            166: 'unsent_flows', 167: 'unsent_packets'}


class Session:
    """What one session, or file, says."""

    def __init__(self, data, limit=None):
        self.templates, self.flows, self.packets = {}, [], 0
        self.options, self.expected, self.times = {}, None, []
        self.missing = 0
        at = count = 0
        while len(data) - at >= 16 and count != limit:
            version, length, time, sequence, _ = struct.unpack_from('>HHIII', data, at)
            assert version == 10 and length >= 16, (version, length)
            if length > len(data) - at:
                break
            if self.expected is not None:
                self.missing += (sequence - self.expected) % 2 ** 32
            self.times.append(time)
            records = self.message(data[at + 16:at + length])
            self.expected = (sequence + records) % 2 ** 32
            at += length
            count += 1
        self.rest = len(data) - at

    def message(self, body):
        records = 0
        while body:
            number, length = struct.unpack_from('>HH', body)
            assert 4 <= length <= len(body), (number, length)
            content, body = body[4:length], body[length:]
            if number in (2, 3):
                self.template_set(content, number == 3)
            else:
                records += self.data_set(number, content)
        return records

    def template_set(self, content, options):
        while len(content) >= 4:
            number, count = struct.unpack_from('>HH', content)
            at = 6 if options and count else 4
            fields = []
            for _ in range(count):
                element, length = struct.unpack_from('>HH', content, at)
                at += 4
                if element & 0x8000:
                    element = -1
                    at += 4
                fields.append((element, length))
            self.templates[number] = (options, fields)
            content = content[at:]

    def data_set(self, number, content):
        options, fields = self.templates[number]  # a collector without it could not read the set
        shortest = sum(1 if length == 65535 else length for _, length in fields)
        records = 0
        while len(content) >= shortest:
            at = 0
            values = {}
            for element, length in fields:
                if length == 65535:
                    length = content[at]
                    at += 1
                    if length == 255:
                        length = struct.unpack_from('>H', content, at)[0]
                        at += 2
                if element in ELEMENTS:
                    values.setdefault(ELEMENTS[element],
                                      int.from_bytes(content[at:at + length], 'big'))
                at += length
            assert at <= len(content), 'a record longer than its set'
            if options:
                self.options.update(values)
            else:
                self.flows.append(content[:at])
                self.packets += values['packets']
            content = content[at:]
            records += 1
        return records


def count(paths, limit):
    sessions = []
    for path in paths:
        with open(path, 'rb') as file:
            sessions.append(Session(file.read(), limit))
    flows = [flow for session in sessions for flow in session.flows]
    options = {}
    for session in sessions:
        options.update(session.options)
    print(json.dumps({
        'sessions': len(sessions), 'flows': len(flows), 'different': len(set(flows)),
        'packets': sum(session.packets for session in sessions),
        'missing': sum(session.missing for session in sessions),
        'messages': sum(len(session.times) for session in sessions),
        'in_order': all(s.times == sorted(s.times) for s in sessions),
        'rest': sum(session.rest for session in sessions), 'told': options}))


if sys.argv[1] == 'serve':
    Collector(int(sys.argv[2]), sys.argv[3]).run(sys.argv[4])
elif sys.argv[2] == '--messages':
    count(sys.argv[4:], int(sys.argv[3]))
else:
    count(sys.argv[2:], None)
