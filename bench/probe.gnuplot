# SPDX-License-Identifier: BSD-2-Clause
# What bench/probe measured: medians, with the range of all runs.
# Usage: gnuplot -c probe.gnuplot DIRECTORY [png]
set datafile separator ','
suffix = ARGC > 1 ? '.png' : '.svg'
if (ARGC > 1) { set terminal png size 1000,520 } else { set terminal svg size 1000,520 background 'white' }
set grid
csv = ARG1 . '/probe.csv'

# Rows "flows or bytes,min,median,max" of what a program did, in order.
rows(part, program, percent, what) = \
    sprintf("< awk -F, '$1 == \"%s\" && $2 == \"%s\" && $5 == %d && $6 == \"%s\" && $4 > 0 " . \
            "{ print $4 \",\" $7 \",\" $8 \",\" $9 }' '%s' | sort -t, -k1,1n", \
            part, program, percent, what, csv)
sizes(part, program, percent) = \
    sprintf("< awk -F, '$1 == \"%s\" && $2 == \"%s\" && $5 == %d && $6 == \"mpps\" && " . \
            "$4 == 100000 { print $3 + 4 \",\" $7 \",\" $8 \",\" $9 }' '%s' | sort -t, -k1,1n", \
            part, program, percent, csv)
kind(percent) = percent == 0 ? 'steady' : '10 % new'

$aims << END
100000,10
1000000,6
10000000,3.5
END
$cento << END
1000000,5.56
10000000,3.3
END

# How fast one worker is, by the number of flows.
set output ARG1 . '/probe_flows' . suffix
set logscale x
set xrange [7000:14000000]
set yrange [0:*]
set format x '10^{%T}'
set xlabel 'flows, in random order'
set ylabel 'Mpps, one worker, 64 B'
set key outside right top
plot for [percent = 0:10:10] rows('stages', 'flow_meter', percent, 'mpps') \
         using 1:3:2:4 with yerrorlines linewidth 1 dashtype 2 title 'meter alone, ' . kind(percent), \
     for [percent = 0:10:10] rows('stages', 'flow_meter', percent, 'mpps to sink') \
         using 1:3:2:4 with yerrorlines linewidth 1 title 'meter and export, ' . kind(percent), \
     for [percent = 0:10:10] rows('capture', 'leat probe', percent, 'mpps') \
         using 1:3:2:4 with yerrorlines linewidth 3 title 'leat probe, ' . kind(percent), \
     $aims using 1:2 with points pointtype 6 pointsize 2 linewidth 2 linecolor 'black' title 'aim', \
     $cento using 1:2 with points pointtype 4 pointsize 2 linewidth 2 linecolor 'red' \
         title 'nProbe Cento, 2024', \
     1.8 with lines dashtype 3 linewidth 2 linecolor 'black' title 'xProbe, 2019'

# Beside others, whole captures.
set output ARG1 . '/probe_peers' . suffix
set logscale y
set yrange [0.01:*]
set ylabel 'Mpps a core, by CPU time, 64 B, the whole capture'
programs = '"leat probe" softflowd nfpcapd pmacctd'
plot for [i = 1:4] rows('peers', word(programs, i), 0, 'mpps a core') using 1:3:2:4 \
         with yerrorlines linewidth 2 linecolor i title word(programs, i) . ', steady', \
     for [i = 1:4] rows('peers', word(programs, i), 10, 'mpps a core') using 1:3:2:4 \
         with yerrorlines linewidth 2 linecolor i dashtype 2 title word(programs, i) . ', 10 % new'

# Where the time goes, in one thread.
set output ARG1 . '/probe_stages' . suffix
unset logscale
set format x
set xrange [*:*]
set yrange [0:*]
set xlabel 'flows, and the share of packets that begin one'
set ylabel 'ns a packet of 64 B, medians'
set style data histograms
set style histogram rowstacked
set style fill solid 0.7 border -1
set boxwidth 0.7
set xtics rotate by -25
# TSC cycles to ns: a packet's cycles by what its rate says that they take.
stage(what) = \
    sprintf("< awk -F, '$1 == \"stages\" && $4 > 0 { k = $4 \" \" $5 \" %%\"; v[k, $6] = $8; " . \
            "if (!(k in seen)) { seen[k] = 1; order[n++] = k } } END { for (i = 0; i < n; i++) " . \
            "{ k = order[i]; print k \",\" v[k, \"%s\"] * 1000 / (v[k, \"mpps\"] * v[k, \"meter\"]) } }' '%s'", \
            what, csv)
plot stage('decode') using 2:xtic(1) title 'decode', stage('cache') using 2 title 'cache', \
     stage('export to sink') using 2 title 'IPFIX over UDP'

# Figures 8.3 and 8.4 of the thesis: frame sizes, without flows and with.
set output ARG1 . '/xprobe_frames' . suffix
set style histogram errorbars gap 1
set xtics norotate
set xlabel 'frame, bytes; 100,000 flows'
set ylabel 'Mpps, one worker'
plot sizes('frames', 'pcap: port', 0) using 3:2:4:xtic(1) title 'capture, no flows', \
     for [percent = 0:10:10] sizes('frames', 'leat probe', percent) using 3:2:4 \
         title 'capture, ' . kind(percent), \
     sizes('af_xdp', 'receive only', 0) using 3:2:4 title 'AF\_XDP, no flows', \
     for [percent = 0:10:10] sizes('af_xdp', 'leat probe', percent) using 3:2:4 \
         title 'AF\_XDP, ' . kind(percent)
