# SPDX-License-Identifier: BSD-2-Clause
# Cycles a forwarded packet, by batch size and by ring size: medians, with the range of all runs.
# Usage: gnuplot -c forward_cycles.gnuplot DIRECTORY
set datafile separator ','
set terminal svg size 800,500 background 'white'
set logscale xy 2
set yrange [8:*]
set grid
set key top right
set ylabel 'TSC cycles a packet of 64 B'
csv = ARG1 . '/forward_cycles.csv'

# The rows of that name in which column `fixed` has that value, in order; filtered outside, so that
# lines connect them.
rows(name, fixed, value) = \
    sprintf("< awk -F, '$1 == \"%s\" && $%d == %d' '%s' | sort -t, -k2,2n -k3,3n", \
            name, fixed, value, csv)

set output ARG1 . '/forward_cycles_batch.svg'
set xlabel 'batch, packets (ring 512)'
plot for [name in 'concurrent lockstep bound'] \
    rows(name, 3, 512) using 2:5:4:6 with yerrorlines linewidth 2 title name

set output ARG1 . '/forward_cycles_ring.svg'
set xlabel 'ring, descriptors (batch 32)'
plot for [name in 'concurrent lockstep bound'] \
    rows(name, 2, 32) using 3:5:4:6 with yerrorlines linewidth 2 title name
