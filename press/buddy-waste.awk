# Reads a trace and prints of the moment when most payload is live in blocks of pools:
# -v name, payload, blocks with a header of 16 bytes, the part of them that is waste,
# blocks without a header, and their waste; KiB and percent.

function block(request, header, smallest,   size) {
    for (size = smallest; size < request + header; size *= 2) ;
    return size
}
function change(id, request) {
    payload += request - live[id]
    with += (request > 0 ? block(request, 16, 32) : 0) - with_header[id]
    plain += (request > 0 ? block(request, 0, 16) : 0) - without[id]
    live[id] = request
    with_header[id] = request > 0 ? block(request, 16, 32) : 0
    without[id] = request > 0 ? block(request, 0, 16) : 0
    if (payload > peak) {
        peak = payload
        peak_with = with
        peak_plain = plain
    }
}
$1 == "a" || $1 == "r" { change($2, $3 <= 524288 ? $3 : 0) }
$1 == "f" && $2 >= 0 { change($2, 0) }
END {
    printf "%s\t%.0f\t%.0f\t%.1f\t%.0f\t%.1f\n", name, peak / 1024, peak_with / 1024,
        100 - 100 * peak / peak_with, peak_plain / 1024, 100 - 100 * peak / peak_plain
}
