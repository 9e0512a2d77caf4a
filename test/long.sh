#!/usr/bin/env bash
# `npm run test:long`: what takes longer than `npm test` may, and is run before a release. About two hours on two cores.
# Each part runs even if one before it failed; the last line says which did.
set -uo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/node_modules/.bin:$PATH"

failed=()
part() {
  local name=$1 begun=$SECONDS
  shift
  echo "$name …"
  if "$@"; then echo "passed: $name ($((SECONDS - begun)) s)"; else failed+=("$name") && echo "FAILED: $name"; fi
}

# The loads of `npm test` in full size.
export SWITCHBOARD_TEST_LONG=1

# Each run draws another seed, prints it, and kills the process 30 times.
kills() {
  for n in $(seq 10); do
    echo "  run $n of 10"
    vitest run --configLoader native --config test/vitest.config.ts test/system/kill.test.ts test/system/outbox-faults.test.ts || return 1
  done
}

# In processes of 2,000 seeds, for the memory's sake.
worlds() {
  for from in 1 2001 4001 6001 8001; do npm run --silent sim -- --from "$from" --seeds 2000 || return 1; done
}

part 'kills, 300 of them' kills
part 'simulation, 10,000 seeds' worlds
part 'other days, time zones and languages' bash test/any-day.sh

if [ ${#failed[@]} -gt 0 ]; then
  printf 'failed: %s\n' "${failed[@]}"
  exit 1
fi
echo 'all passed'
