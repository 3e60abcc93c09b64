#!/bin/sh
# Trains on the hosts of ./hosts. Each needs a login without a password (ssh), bat-sup, and this folder.
set -eu
cd "$(dirname "$0")"
subnet=${SUBNET:-192.168.0.0/24}
exec mpirun --hostfile hosts --map-by slot --bind-to none \
  --mca btl tcp,self --mca btl_tcp_if_include "$subnet" --mca oob_tcp_if_include "$subnet" \
  bat-sup train --run bats --resume auto --batch-size 16 "$@"
