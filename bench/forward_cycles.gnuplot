# SPDX-License-Identifier: BSD-2-Clause
# Cycles a forwarded packet, by batch size and by ring size: medians, with the range of all runs.
# Usage: gnuplot -c forward_cycles.gnuplot DIRECTORY
set datafile separator ','
set terminal svg size 800,500
set logscale x 2
set yrange [0:*]
set grid
set key top right
set ylabel 'TSC cycles a packet of 64 B'
csv = ARG1 . '/forward_cycles.csv'

# Column `at` of the rows of that name in which column `fixed` has that value.
pick(name, at, fixed, value) = \
    strcol(1) eq name && column(fixed) == value ? column(at) : NaN

set output ARG1 . '/forward_cycles_batch.svg'
set xlabel 'batch, packets (ring 512)'
plot for [name in 'bound lockstep concurrent'] \
    csv using (pick(name, 2, 3, 512)):5:4:6 with yerrorlines title name

set output ARG1 . '/forward_cycles_ring.svg'
set xlabel 'ring, descriptors (batch 32)'
plot for [name in 'bound lockstep concurrent'] \
    csv using (pick(name, 3, 2, 32)):5:4:6 with yerrorlines title name
