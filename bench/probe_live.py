# SPDX-License-Identifier: BSD-2-Clause
"""leat probe on live ports: softnic's emulated NIC with its generator, and AF_XDP on a veth pair
under load. What limits them is the emulated device and the kernel; what the probe's worker spends
on a packet is told beside."""
import json
import re
import signal
import subprocess
import tempfile
import time

from probe_programs import Collector, Softnic
from veth_lab import PORT, Lab, Program, inside, pinned, shell

FLOWS = {"softnic": (10_000, 60_000), "af_xdp": (10_000, 100_000, 1_000_000)}
FRESH_SHIFT = 12   # a new flow each 4.1 us: a tenth of 2.5 million packets a second
FRESH_IDLE = 0.5   # seconds, longer than such a flow lives
RECORDS = 200_000  # a second, of flows that stay


class LiveProbe:
    """leat probe on a port, until it is told to stop."""

    def __init__(self, bench, port, collector, options, enter=()):
        self.report = tempfile.NamedTemporaryFile(suffix=".json")
        self.process = subprocess.Popen(
            [*enter, *bench.leat.words([port], self.report.name, collector, *options)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for line in self.process.stdout:
            if "metering" in line:
                return
        raise RuntimeError(f"leat probe does not start on {port}")

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        rest = self.process.stdout.read()
        if self.process.wait(timeout=30) != 0:
            raise RuntimeError(f"leat probe failed:\n{rest[-2000:]}")
        with open(self.report.name, encoding="utf-8") as file:
            return json.load(file)


def add_probe(bench, part, point, seconds, report, arrived):
    total, frames = report["total"], report["total"]["frames"]
    busy = sum(run["busy_seconds"] for run in report["runs"])
    records = total["ended"]["active"] + total["ended"]["idle"]

    def add(what, value):
        bench.results.add(part, "leat probe", point, what, value)

    assert report["conserved"], report
    add("mpps", frames / seconds / 1e6)
    add("ns a packet of the worker", busy / frames * 1e9)
    add("records a second", records / seconds)
    add("flows", total["flows"])
    add("frames lost by the port", sum(port["drops"][name] for port in report["ports"]
                                       for name in port["drops"]))
    add("records not arrived", report["sinks"][0]["records"] - arrived["records"])


def timeouts(flows, new_percent):
    if new_percent:
        return ["--idle", str(FRESH_IDLE), "--active", "3600"]
    return ["--idle", "3600", "--active", str(flows / RECORDS)]


def measure_softnic(bench, flows):
    args = bench.args
    point = (60, flows, 0)
    socket = bench.directory / "nic.sock"
    nic = Softnic(args.leat, args.other_core, socket, 64, flows)
    collector = Collector(bench.tools, args.other_core)
    try:
        probe = LiveProbe(bench, f"vfio-user:{socket}", collector,
                          ["--flows", str(2 * flows), *timeouts(flows, 0)])
        time.sleep(args.seconds)
        report = probe.stop()
    finally:
        nic.stop()
        arrived = collector.stop()
    add_probe(bench, "softnic", point, report["seconds"], report, arrived)


def receive_only(bench, lab, frame_bytes):
    """port_work: receives and drops."""
    program = Program(inside(PORT, *pinned(
        lab.port_core, f"{lab.tools}/port_work", "xdp:port0,mode=native", "receive",
        str(frame_bytes), "64", "spin")), "ready")
    try:
        lab.load(frame_bytes, bench.args.seconds, 100_000)
        time.sleep(0.02)
        received = int(re.search(r"received (\d+)", program.stop()).group(1))
    finally:
        program.process.kill()
        program.process.wait()
        lab.clear_port()
    bench.results.add("af_xdp", "receive only", (frame_bytes, 100_000, 0), "mpps",
                      received / bench.args.seconds / 1e6)


def load_port(bench, lab, frame_bytes, load):
    """Frames that the port's driver received. A load whose time was over before the kernel made
    any, on a machine that has no core for it, is begun anew."""
    for _ in range(3):
        before = lab.received(PORT, "port0")
        lab.load(frame_bytes, bench.args.seconds, *load)
        time.sleep(0.02)
        offered = lab.received(PORT, "port0") - before
        if offered > 1000:
            return offered
    raise RuntimeError("xdp_load sends nothing")


def meter_veth(bench, lab, point):
    frame_bytes, flows, new_percent = point
    collector = Collector(bench.tools, lab.load_core, inside(PORT))
    options = ["--consume", "--wait", "spin", "--flows", str(2 * flows + 500_000),
               *timeouts(flows, new_percent)]
    load = (flows, FRESH_SHIFT) if new_percent else (flows,)
    try:
        probe = LiveProbe(bench, "xdp:port0,mode=native", collector, options, inside(PORT))
        try:
            offered = load_port(bench, lab, frame_bytes, load)
        finally:
            report = probe.stop()
    finally:
        lab.clear_port()
        arrived = collector.stop()
    bench.results.add("af_xdp", "leat probe", point, "mpps offered",
                      offered / bench.args.seconds / 1e6)
    add_probe(bench, "af_xdp", point, bench.args.seconds, report, arrived)


def measure_veth(bench):
    args = bench.args
    with Lab(bench.tools, args.other_core, args.worker_core) as lab:
        shell("ip", "-n", PORT, "link", "set", "lo", "up")
        lab.set_port_napi(False, False)
        for size in (64, 250, 500, 1000):
            receive_only(bench, lab, size - 4)
            for new_percent in (0, 10):
                meter_veth(bench, lab, (size - 4, 100_000, new_percent))
        for flows in FLOWS["af_xdp"]:
            if flows != 100_000:
                for new_percent in (0, 10):
                    meter_veth(bench, lab, (60, flows, new_percent))


def measure_live(bench, parts):
    if "softnic" in parts:
        for flows in FLOWS["softnic"]:
            measure_softnic(bench, flows)
    if "af_xdp" in parts:
        measure_veth(bench)
