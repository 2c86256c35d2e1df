# What all charts of the book have in common; press/chart runs this before the commands
# of a chart, after `height = PIXELS`.
#   table(NAME)   the file of a table; columns are called by their names
#   rows(NAME)    how many rows it has
#   step(HEAP)    the last part of a heap's name
# Line types 1 to 4 are told apart by their dashes and points too.
set terminal svg size 656, height font 'inherit,14' linewidth 1
set encoding utf8
set datafile separator tab
set datafile columnheaders
set datafile missing '-'
set border 3 linewidth 0.7
set tics nomirror out scale 0.5
set xtics offset 0, 0.3
set ytics offset 0.5, 0
set xlabel offset 0, 0.4
set grid ytics
set style fill solid noborder
set boxwidth 0.6 relative
unset key
set key textcolor variable
unset key
set linetype 1 linecolor rgb '#1f6690' linewidth 2 dashtype solid pointtype 7 pointsize 0.6
set linetype 2 linecolor rgb '#a34f05' linewidth 2 dashtype (6, 3) pointtype 5 pointsize 0.6
set linetype 3 linecolor rgb '#47732a' linewidth 2 dashtype (2, 2) pointtype 9 pointsize 0.7
set linetype 4 linecolor rgb '#7b4a8c' linewidth 2 dashtype (8, 3, 2, 3) pointtype 13 pointsize 0.7
set linetype cycle 4
table(name) = 'results/' . name . '.tsv'
rows(name) = int(system("grep -vc '^#' " . table(name))) - 1
step(heap) = heap[strstrt(heap, '/') + 1 : *]
