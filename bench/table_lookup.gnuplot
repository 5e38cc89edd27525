# SPDX-License-Identifier: BSD-2-Clause
# Nanoseconds a find by the number of entries, inside XDP and in user space: medians, with the range
# of all runs. Usage: gnuplot -c table_lookup.gnuplot DIRECTORY
set datafile separator ','
set terminal svg size 1000,700 background 'white'
set logscale x 2
set logscale y 2
set xrange [700:25000000]
set xtics ('1 Ki' 1024, '64 Ki' 65536, '1 Mi' 1048576, '16 Mi' 16777216)
set grid
set key top left
set ylabel 'ns'
csv = ARG1 . '/table_lookup.csv'

# The rows of a table with keys of that length and of that operation, filtered outside, so that
# lines connect them.
rows(name, bytes, operation) = \
    sprintf("< awk -F, '$1 == \"%s\" && $2 == %s && $4 == \"%s\"' '%s'", \
            name, bytes, operation, csv)

array file[2] = ['table_xdp', 'table_user']
array names[2] = ['"XDP leat shared" "XDP BPF hash" "XDP BPF LRU hash" "XDP nothing"', \
                  '"leat batch 64" "leat shared batch 64" "leat one by one" "rte_hash bulk"']
do for [place = 1:2] {
    set output ARG1 . '/' . file[place] . '.svg'
    set multiplot layout 2,2
    do for [operation in 'hit miss'] {
        do for [bytes in '16 40'] {
            set title operation . ', keys of ' . bytes . ' bytes'
            plot for [name in names[place]] rows(name, bytes, operation) \
                using 3:6:5:7 with yerrorlines linewidth 2 title name noenhanced
        }
    }
    unset multiplot
}
