#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes payloads.txt: what real programs say first, and what a parser should find in it.

The programs (curl, openssl, dig, dnsmasq) speak to sockets of this script. What is expected comes
from this script's own parsing and hashing, and where there is one, from a published value. QUIC's
packets are the examples of RFC 9001 and RFC 9369, made anew, and such packets around curl's
ClientHello. Run it as root in a network namespace of its own:

    unshare -n sh -c 'ip link set lo up && /usr/bin/python3 make_payloads.py'

Needs curl, openssl, bind9-dnsutils, dnsmasq-base and python3-cryptography.
"""

import hashlib
import hmac
import pathlib
import random
import re
import socket
import subprocess
import threading

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HERE = pathlib.Path(__file__).parent
LOCAL = '127.0.0.1'


def grease(value):
    return value & 0x0f0f == 0x0a0a and value >> 8 == value & 0xff


def numbers(data, width=2):
    found = [int.from_bytes(data[i:i + width], 'big') for i in range(0, len(data), width)]
    return [n for n in found if not grease(n)]


def parse_hello(hello):
    """A handshake message that begins with its type."""
    assert hello[0] == 1
    at = 4
    version = int.from_bytes(hello[at:at + 2], 'big')
    at += 34
    at += 1 + hello[at]
    size = int.from_bytes(hello[at:at + 2], 'big')
    ciphers = numbers(hello[at + 2:at + 2 + size])
    at += 2 + size
    at += 1 + hello[at]
    at += 2
    extensions = []
    while at < 4 + int.from_bytes(hello[1:4], 'big'):
        kind, size = (int.from_bytes(hello[at + i:at + i + 2], 'big') for i in (0, 2))
        extensions.append((kind, hello[at + 4:at + 4 + size]))
        at += 4 + size
    return version, ciphers, [e for e in extensions if not grease(e[0])]


def short_hash(text):
    return hashlib.sha256(text.encode()).hexdigest()[:12] if text else 12 * '0'


def ja4(hello, transport):
    version, ciphers, extensions = parse_hello(hello)
    bodies = dict(extensions)
    if 43 in bodies:
        version = max(numbers(bodies[43][1:]))
    name = {0x304: '13', 0x303: '12', 0x302: '11', 0x301: '10'}[version]
    alpn = '00'
    if 16 in bodies:
        names, rest = [], bodies[16][2:]
        while rest:
            names.append(rest[1:1 + rest[0]])
            rest = rest[1 + rest[0]:]
        first = next(n for n in names if len(n) != 2 or not grease(int.from_bytes(n, 'big')))
        ends = bytes([first[0], first[-1]])
        alpn = ends.decode() if ends.isalnum() else first.hex()[0] + first.hex()[-1]
    kinds = ','.join(f'{k:04x}' for k in sorted(k for k, _ in extensions if k not in (0, 16)))
    signatures = ','.join(f'{s:04x}' for s in numbers(bodies.get(13, b'')[2:]))
    return (f'{transport}{name}{"d" if 0 in bodies else "i"}{min(len(ciphers), 99):02}'
            f'{min(len(extensions), 99):02}{alpn}'
            f'_{short_hash(",".join(f"{c:04x}" for c in sorted(ciphers)))}'
            f'_{short_hash(kinds + ("_" + signatures if signatures else ""))}')


def server_name(hello):
    body = dict(parse_hello(hello)[2]).get(0)
    return body[5:].decode() if body else ''


class First:
    """Takes one connection and keeps what is said on it until nothing comes for a while."""

    def __init__(self, answer=b''):
        self.listener = socket.create_server((LOCAL, 0))
        self.port = self.listener.getsockname()[1]
        self.heard = b''
        self.thread = threading.Thread(target=self.listen, args=(answer,))
        self.thread.start()

    def listen(self, answer):
        connection, _ = self.listener.accept()
        connection.settimeout(1)
        try:
            while data := connection.recv(65536):
                self.heard += data
        except TimeoutError:
            pass
        connection.sendall(answer)
        connection.close()

    def said_by(self, *command, stdin=None):
        command = [part.replace('PORT', str(self.port)) for part in command]
        subprocess.run(command, input=stdin, capture_output=True, timeout=10, check=False)
        self.thread.join()
        self.listener.close()
        return self.heard


def tls_payloads():
    hellos = {
        'tls_curl': First().said_by('curl', '-sk', '--resolve', 'www.example.org:PORT:127.0.0.1',
                                    'https://www.example.org:PORT/'),
        'tls_curl_12': First().said_by('curl', '-sk', '--tls-max', '1.2', '--no-alpn', '--resolve',
                                       'old.example.org:PORT:127.0.0.1',
                                       'https://old.example.org:PORT/'),
        'tls_openssl': First().said_by('openssl', 's_client', '-connect', '127.0.0.1:PORT',
                                       '-servername', 'MiXed.Example.NET', '-alpn', 'x'),
        'tls_no_name': First().said_by('openssl', 's_client', '-connect', '127.0.0.1:PORT',
                                       '-noservername'),
        'tls_long': First().said_by('openssl', 's_client', '-connect', '127.0.0.1:PORT',
                                    '-servername', 'long.example', '-alpn',
                                    ','.join([c * 250 for c in 'abcdefghij'] + ['h2'])),
    }
    for name, record in hellos.items():
        yield (name, 'tcp', 'tls', server_name(record[5:]), ja4(record[5:], 't'), 0, 0, [record])
    record = hellos['tls_curl']
    body = record[5:]
    pieces = [body[:1], body[1:100], body[100:]]
    fragments = b''.join(b'\x16\x03\x01' + len(p).to_bytes(2, 'big') + p for p in pieces)
    yield ('tls_records', 'tcp', 'tls', server_name(body), ja4(body, 't'), 0, 0, [fragments])
    yield published_hello()


def published_hello():
    """The example of JA4's specification, with GREASE where browsers put it."""
    def two(*values):
        return b''.join(v.to_bytes(2, 'big') for v in values)

    def sized(data, width=2):
        return len(data).to_bytes(width, 'big') + data

    ciphers = two(0x5a5a, *(int(c, 16) for c in (
        '1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035').split(',')))
    signatures = two(*(int(s, 16) for s in (
        '0403,0804,0401,0503,0805,0501,0806,0601').split(',')))
    bodies = {0x0000: sized(b'\0' + sized(b'published.example')), 0x000d: sized(signatures),
              0x0010: sized(sized(b'\x1a\x1a', 1) + sized(b'h2', 1) + sized(b'http/1.1', 1)),
              0x002b: sized(two(0x3a3a, 0x0304, 0x0303), 1)}
    order = [0xcaca] + [int(e, 16) for e in (
        '001b,0000,0033,0010,4469,0017,002d,000d,0005,0023,0012,002b,ff01,000b,000a,0015'
    ).split(',')] + [0x0a0a]
    extensions = b''.join(two(e) + sized(bodies.get(e, b'')) for e in order)
    hello = (b'\x03\x03' + bytes(range(32)) + sized(bytes(32), 1) + sized(ciphers) + b'\x01\x00' +
             sized(extensions))
    message = b'\x01' + sized(hello, 3)
    assert ja4(message, 't') == 't13d1516h2_8daaf6152771_e5627efa2ab1'
    return ('tls_published', 'tcp', 'tls', 'published.example',
            't13d1516h2_8daaf6152771_e5627efa2ab1', 0, 0, [b'\x16\x03\x01' + sized(message)])


def http_payloads():
    answer = b'HTTP/1.1 204 No Content\r\n\r\n'
    yield ('http_get', 'tcp', 'http', 'www.example.org:8000', '-', 0, 0, [First(answer).said_by(
        'curl', '-s', '-H', 'Host: www.example.org:8000', 'http://127.0.0.1:PORT/a?b=c')])
    yield ('http_proxy', 'tcp', 'http', 'absolute.example', '-', 0, 0, [First(answer).said_by(
        'curl', '-s', '-x', 'http://127.0.0.1:PORT', '-H', 'Host: other.example',
        'http://absolute.example/a@b?c://d')])
    yield ('http_connect', 'tcp', 'http', 'tunnel.example:443', '-', 0, 0, [First(answer).said_by(
        'curl', '-s', '-x', 'http://127.0.0.1:PORT', 'https://tunnel.example/')])
    yield ('http_2', 'tcp', 'http', '', '-', 0, 0, [First(answer).said_by(
        'curl', '-s', '--http2-prior-knowledge', 'http://127.0.0.1:PORT/')[:24]])
    yield ('http_answer', 'tcp', 'http', '', '-', 0, 0, [answer])


def relay_datagrams(front, port, heard):
    """Between dig and dnsmasq."""
    back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    back.connect((LOCAL, port))
    back.settimeout(5)
    query, client = front.recvfrom(65536)
    back.send(query)
    answer = back.recv(65536)
    front.sendto(answer, client)
    heard += [query, answer]


def relay_stream(front, port, heard):
    connection, _ = front.accept()
    with connection, socket.create_connection((LOCAL, port)) as back:
        query = connection.recv(65536)
        back.sendall(query)
        answer = back.recv(65536)
        while len(answer) < 2 + int.from_bytes(answer[:2], 'big'):
            answer += back.recv(65536)
        connection.sendall(answer)
        heard += [query, answer]


def dig(port, *question, stream=False):
    heard = []
    if stream:
        front = socket.create_server((LOCAL, 0))
    else:
        front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        front.bind((LOCAL, 0))
    relay = threading.Thread(target=relay_stream if stream else relay_datagrams,
                             args=(front, port, heard))
    relay.start()
    subprocess.run(['dig', '+tries=1', '@127.0.0.1', '-p', str(front.getsockname()[1]), *question]
                   + (['+tcp'] if stream else []), capture_output=True, check=True)
    relay.join()
    front.close()
    return heard


def dns_payloads():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((LOCAL, 0))
        port = probe.getsockname()[1]
    # It says nothing when it is ready, but forks when it is.
    pid_file = HERE / 'dnsmasq.pid'
    subprocess.run(['dnsmasq', f'--port={port}', '--no-resolv', '--no-hosts', '--conf-file=/dev/null',
                    '--user=root', '--group=root', f'--listen-address={LOCAL}', '--bind-interfaces',
                    f'--pid-file={pid_file}', '--address=/example.org/192.0.2.1',
                    '--address=/example.org/2001:db8::1', '--local=/nowhere.example/',
                    '--txt-record=text.example,' + 200 * 'x'], check=True)
    try:
        yield ('dns_a', 'udp', 'dns', 'WWW.example.ORG', '-', 1, 0,
               dig(port, 'WWW.example.ORG', 'A'))
        yield ('dns_nxdomain', 'udp', 'dns', 'host.nowhere.example', '-', 28, 3,
               dig(port, 'host.nowhere.example', 'AAAA'))
        yield ('dns_root', 'udp', 'dns', '.', '-', 2, 5, dig(port, '.', 'NS'))
        yield ('dns_odd', 'udp', 'dns', r'a\x2eb\x00\xff\x5c.example.org', '-', 1, 0,
               dig(port, r'a\.b\000\255\\.example.org', 'A'))
        yield ('dns_stream', 'tcp', 'dns', 'text.example', '-', 16, 0,
               dig(port, 'text.example', 'TXT', stream=True))
    finally:
        subprocess.run(['kill', pid_file.read_text().strip()], check=True)
        pid_file.unlink(missing_ok=True)


def hkdf_expand_label(secret, label, length):
    label = b'tls13 ' + label
    info = length.to_bytes(2, 'big') + bytes([len(label)]) + label + b'\0'
    return hmac.new(secret, info + b'\1', 'sha256').digest()[:length]


QUIC = {
    1: (bytes.fromhex('38762cf7f55934b34d179ae6a4c80cadccbb7f0a'), b'quic ', 0x00000001, 0),
    2: (bytes.fromhex('0dede3def700a6db819381be6e269dcbf9bd2ed9'), b'quicv2 ', 0x6b3343cf, 1),
}


def varint(value):
    return (value | 0x4000).to_bytes(2, 'big') if value < 0x4000 else \
        (value | 0x80000000).to_bytes(4, 'big')


def initial(version, connection, number, frames, number_bytes=4, first_connection=None, token=b'',
            source=b''):
    """An Initial packet of a client, sealed (RFC 9001, 5; RFC 9369, 3)."""
    salt, prefix, wire, kind = QUIC[version]
    secret = hmac.new(salt, first_connection or connection, 'sha256').digest()
    client = hkdf_expand_label(secret, b'client in', 32)
    key, iv, hp = (hkdf_expand_label(client, prefix + part, size)
                   for part, size in ((b'key', 16), (b'iv', 12), (b'hp', 16)))
    header = bytearray(
        bytes([0xc0 | kind << 4 | number_bytes - 1]) + wire.to_bytes(4, 'big') +
        bytes([len(connection)]) + connection + bytes([len(source)]) + source +
        bytes([len(token)]) + token + varint(number_bytes + len(frames) + 16) +
        number.to_bytes(number_bytes, 'big'))
    nonce = (int.from_bytes(iv, 'big') ^ number).to_bytes(12, 'big')
    sealed = AESGCM(key).encrypt(nonce, frames, bytes(header))
    at = len(header) - number_bytes
    sample = (bytes(header[at:]) + sealed)[4:20]
    mask = Cipher(algorithms.AES(hp), modes.ECB()).encryptor().update(sample)
    header[0] ^= mask[0] & 0x0f
    for i in range(number_bytes):
        header[at + i] ^= mask[1 + i]
    return bytes(header) + sealed


def crypto(hello, start, end):
    return b'\x06' + varint(start) + varint(end - start) + hello[start:end]


RFC_HELLO = bytes.fromhex(
    '010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c00000413011302'
    '010000c000000010000e00000b6578616d706c652e636f6dff01000100000a00080006001d0017001800100007'
    '000504616c706e000500050100000000003300260024001d00209370b2c9caa47fbabaf4559fedba753de171fa'
    '71f50f1ce15d43e994ec74d748002b0003020304000d0010000e0403050306030203080408050806002d000201'
    '01001c00024001003900320408ffffffffffffffff05048000ffff07048000ffff080110010480007530090110'
    '0f088394c8f03e51570806048000ffff')
RFC_CONNECTION = bytes.fromhex('8394c8f03e515708')


def quic_payloads(curl_hello):
    # Both tags are the appendices' own: all bytes before them are, too.
    for version, tag in ((1, 'e221af44860018ab0856972e194cd934'),
                         (2, 'a18b2faa745b6fe189cf772a9f84cbfc')):
        frames = crypto(RFC_HELLO, 0, len(RFC_HELLO)).replace(b'\x40\x00', b'\x00', 1)
        packet = initial(version, RFC_CONNECTION, 2, frames.ljust(1162, b'\0'))
        assert packet.hex().endswith(tag)
        yield (f'quic_rfc_{version}', 'udp', 'quic', 'example.com', ja4(RFC_HELLO, 'q'), 0, 0,
               [packet], QUIC[version][2])
    yield from quic_in_pieces(curl_hello)


def quic_in_pieces(hello):
    """As browsers do: CRYPTO frames in any order, over two packets, with PING and PADDING; and a
    client that has taken the server's connection id, after an ACK."""
    name, fingerprint = server_name(hello), ja4(hello, 'q')
    chance = random.Random(9000)
    cuts = sorted(chance.sample(range(1, len(hello)), 7))
    pieces = list(zip([0] + cuts, cuts + [len(hello)]))
    chance.shuffle(pieces)
    halves = [b'\x01'.join(crypto(hello, *p) + bytes(3) for p in half)
              for half in (pieces[:4], pieces[4:])]
    first, later = bytes(range(18)), bytes.fromhex('0102030405')
    for version in (1, 2):
        packets = [initial(version, first, i, half.ljust(1100, b'\0'), 1 + i, token=b'token')
                   for i, half in enumerate(halves)]
        yield (f'quic_shuffled_{version}', 'udp', 'quic', name, fingerprint, 0, 0, packets,
               QUIC[version][2])
        yield (f'quic_coalesced_{version}', 'udp', 'quic', name, fingerprint, 0, 0,
               [b''.join(packets)], QUIC[version][2])
    half = len(hello) // 2
    ack = b'\x03' + b'\x05' + varint(100) + b'\x01' + b'\x00' + b'\x01\x02' + b'\x07\x08\x09'
    packets = [initial(1, first, 0, crypto(hello, 0, half).ljust(1100, b'\0'), 2, source=b'me'),
               initial(1, later, 6, (ack + crypto(hello, half, len(hello))).ljust(1100, b'\0'), 1,
                       first_connection=first, source=b'me')]
    yield ('quic_new_id', 'udp', 'quic', name, fingerprint, 0, 0, packets, 1)


def corpus(entries):
    """A packet of each, behind its transport: 0 TCP, 1 UDP, 2 UDP to port 53, 3 TCP to port 53."""
    directory = HERE.parent / 'fuzz' / 'corpus' / 'flow_application'
    directory.mkdir(exist_ok=True)
    for entry in entries:
        name, transport, kind = entry[:3]
        first = {('tcp', 'dns'): 3, ('udp', 'dns'): 2, ('udp', 'quic'): 1}.get((transport, kind), 0)
        if name not in ('tls_long', 'quic_coalesced_1', 'quic_coalesced_2'):
            (directory / name).write_bytes(bytes([first]) + entry[7][0])


def main():
    entries = [*tls_payloads(), *http_payloads(), *dns_payloads()]
    entries += quic_payloads(entries[0][7][0][5:])
    lines = ['# Made by make_payloads.py, which tells how: transport, what it is, the name in it,',
             "# JA4, the query's type, the answer's code, QUIC's version, and the payloads.", '']
    for name, transport, kind, text, print_, number, rcode, payloads, *version in entries:
        assert re.fullmatch(r'[!-~]*', text)
        lines.append(f'{name} {transport} {kind} {text or "-"} {print_} {number} {rcode} '
                     f'{version[0] if version else 0:#x} {",".join(p.hex() for p in payloads)}')
    (HERE / 'payloads.txt').write_text('\n'.join(lines) + '\n', encoding='ascii')
    corpus(entries)


if __name__ == '__main__':
    main()
