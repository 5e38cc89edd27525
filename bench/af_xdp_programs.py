# SPDX-License-Identifier: BSD-2-Clause
"""The programs that the AF_XDP benchmark compares, each on port0, each with the same rings."""
import re

from veth_lab import PORT, Kernel, Program, inside, pinned

RING = 2048  # descriptors of each ring: DPDK's default


class Leat(Program):
    """port_work on an xdp: port."""

    def __init__(self, lab, row):
        wait = "poll" if row.wait == "sleep" else row.wait
        options = f"mode={row.mode},wait={wait},rx-ring={RING},tx-ring={RING}"
        waiting = {"poll": "adaptive", "sleep": "sleep"}.get(row.wait, "spin")
        super().__init__(inside(PORT, *pinned(
            lab.port_core, f"{lab.tools}/port_work", f"xdp:port0,{options}", row.test,
            str(row.bytes), str(row.batch), waiting)), "ready")

    def finish(self):
        return int(re.search(r"received (\d+)", self.stop()).group(1))


class Testpmd(Program):
    """DPDK's testpmd: its command line on the load's core, forwarding on the port's."""

    PMDS = {"dpdk-af_xdp": "net_af_xdp0,iface=port0,busy_budget={busy}",
            "dpdk-af_packet": "eth_af_packet0,iface=port0,framecnt=2048"}
    FORWARD = {"receive": "rxonly", "transmit": "txonly", "forward": "macswap"}

    def __init__(self, lab, row):
        busy = 64 if row.wait == "busy-poll" else 0
        preload = f"{lab.tools}/libaf_xdp_generic.so" if row.mode == "generic" else ""
        super().__init__(inside(
            PORT, "dpdk-testpmd", "-l", f"{lab.load_core},{lab.port_core}",
            "--main-lcore", str(lab.load_core), "--no-huge", "-m", "256",
            "--no-pci", "--no-telemetry", "--no-shconf",
            "--vdev", self.PMDS[row.program].format(busy=busy), "--", "-i",
            f"--forward-mode={self.FORWARD[row.test]}", f"--burst={row.batch}",
            f"--txpkts={row.bytes}", "--total-num-mbufs=16384"),
            "testpmd> ", {"LD_PRELOAD": preload} if preload else None)
        self.say("start")
        self.read_until("testpmd> ")

    def finish(self):
        self.say("show port stats 0")
        self.say("quit")
        return int(re.search(r"RX-packets: (\d+)", self.stop()).group(1))


class KernelWork(Kernel):
    """XDP_DROP or XDP_TX in the port's driver."""

    ACTIONS = {"receive": "drop", "forward": "return"}

    def __init__(self, lab, row):
        super().__init__(lab, PORT, "port0", self.ACTIONS[row.test], row.mode)

    def finish(self):
        self.stop()


PROGRAMS = {"leat": Leat, "kernel": KernelWork,
            "dpdk-af_xdp": Testpmd, "dpdk-af_packet": Testpmd}
