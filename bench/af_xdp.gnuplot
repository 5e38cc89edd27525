# SPDX-License-Identifier: BSD-2-Clause
# Mpps by batch size, and of one socket by mode: medians, with the range of all runs.
# Usage: gnuplot -c af_xdp.gnuplot DIRECTORY
set datafile separator ','
set terminal svg size 1200,420 background 'white'
set logscale x 2
set xrange [0.8:320]
set yrange [0:*]
set grid
set xlabel 'batch, frames'
csv = ARG1 . '/af_xdp.csv'

# The rows of a program at 60 B, native, spinning, on two cores, in order of the batch.
rows(test, program) = \
    sprintf("< awk -F, '$1 == \"%s\" && $2 == 60 && $4 == 2 && $5 == \"%s\" && " . \
            "$6 == \"native\" && $7 == \"spin\"' '%s' | sort -t, -k3,3n", test, program, csv)

set output ARG1 . '/af_xdp_batch.svg'
set multiplot layout 1,3
set key bottom right
do for [test in 'receive transmit forward'] {
    set title test . ', 60 B, native, spinning, two cores'
    set ylabel 'Mpps'
    plot for [program in 'leat dpdk-af\_xdp'] \
        rows(test, program eq 'leat' ? 'leat' : 'dpdk-af_xdp') using 3:9:8:10 \
        with yerrorlines linewidth 2 title program
}
unset multiplot

# One socket by mode and way of waiting, as in Figure 8.2 of the xProbe thesis.
set output ARG1 . '/xprobe_sockets.svg'
set terminal svg size 800,420 background 'white'
unset logscale x
set xrange [*:*]
set title 'Receive and drop, 60 B, batch 64'
set style data histograms
set style histogram errorbars gap 1
set style fill solid 0.6 border -1
unset xlabel
set xtics rotate by -25
set ylabel 'Mpps, one socket'
set key top right
sockets(cores) = \
    sprintf("< awk -F, '$1 == \"receive\" && $2 == 60 && $3 == 64 && $4 == %d && " . \
            "$5 == \"leat\" { print $6 \" \" $7 \",\" $8 \",\" $9 \",\" $10 }' '%s'", cores, csv)
plot sockets(2) using 3:2:4:xtic(1) title 'two cores', \
     sockets(1) using 3:2:4 title 'one core'
