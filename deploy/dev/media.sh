#!/usr/bin/env bash
# Makes the audio that the sipp scenarios stream: media.sh [FOLDER]   (media)
#   tone.wav   10 s of 440 Hz, 8 kHz mono 16-bit; TONE=880 for another pitch
#   tone.ul    the same as raw G.711u, for sipp's rtp_stream
# Needs sox. Does nothing for a file that is there.
set -euo pipefail

dir=${1:-media}
mkdir -p "$dir"
[ -s "$dir/tone.wav" ] || sox -n -r 8000 -c 1 -b 16 "$dir/tone.wav" synth 10 sine "${TONE:-440}" vol 0.3
[ -s "$dir/tone.ul" ] || sox "$dir/tone.wav" -t raw -e mu-law "$dir/tone.ul"
