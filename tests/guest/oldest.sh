#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# AF_XDP on the oldest kernel, 6.1: ports pass the conformance suite, and what the kernel lacks is
# refused with a sentence that says since when there is such a thing, or what to do instead.
#
# nic: left wire=0 zerocopy
# nic: right wire=0
# modules: tun veth
# programs: leat port-suite ip setpriv
# shellcheck source-path=SCRIPTDIR source=guest.sh
. "$(dirname "$0")/guest.sh"

for kind in xdp-native-2q xdp-generic xdp-busy-poll xdp-tap; do
    ok "the suite passes on $kind" port-suite "$kind"
done

ip link set dev left up
ip link set dev right up
refused "zero-copy" 'driver has no zero-copy' leat ports --buffer-bytes 4096 xdp:left,zerocopy=require
refused "frames of several buffers" 'they need Linux 6.6' leat ports xdp:left,mtu=9000
refused "metadata of the driver" 'this kernel has no bpf_xdp_metadata_rx_hash' \
    leat ports xdp:left,rx-metadata=hash
refused "checksums by the driver" 'tx-metadata= needs Linux 6' leat ports xdp:left,tx-metadata=checksum

say "2,000 frames from one NIC to the other, for a program without privilege"
start serve leat xdp serve --interface left --allow-user 65534 "$here/xdp.sock"
until_true "the server listens" test -S "$here/xdp.sock"
chmod 755 "$here"
start recv setpriv --reuid=65534 --regid=65534 --clear-groups \
    leat recv --count 2000 --expect 2000 --seconds 60 "xdp-fd:$here/xdp.sock/left,rings=4096"
until_true "it waits for frames" waits_for_frames recv
leat gen --count 2000 --src 10.0.0.1-10.0.0.64 --size imix xdp:right >"$here/gen.log" 2>&1
ok "all arrive" ended recv
