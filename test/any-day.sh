#!/usr/bin/env bash
# Runs the tests on other days, each in another time zone and language: `test/any-day.sh [test files or folders]`.
# It needs libfaketime: `apt-get install faketime` on Debian. Minutes a day, so `npm run test:long` runs it and `npm test` does not.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/node_modules/.bin:$PATH"
unset LC_ALL
command -v faketime >/dev/null || { echo 'faketime is missing: apt-get install faketime'; exit 2; }

# The moment at which the run begins, the time zone, the language. Where a day changes, the run crosses it.
DAYS=(
  '2026-12-01T11:58:00Z Asia/Kathmandu de_DE.UTF-8'
  '2026-12-31T22:58:30Z Europe/Berlin tr_TR.UTF-8'
  '2027-02-28T09:58:30Z Pacific/Kiritimati fa_IR.UTF-8'
  '2028-02-28T23:58:30Z UTC th_TH.UTF-8'
  '2027-03-14T06:58:30Z America/New_York en_US.UTF-8'
  '2027-11-07T05:58:30Z America/New_York ar_EG.UTF-8'
  '2028-02-29T12:00:00Z America/St_Johns ja_JP.UTF-8'
)

logs=$(mktemp -d "${TMPDIR:-/tmp}/switchboard-any-day-XXXXXX")
echo "The whole output of each day is in $logs"
failed=0
for day in "${DAYS[@]}"; do
  read -r moment zone language <<<"$day"
  log="$logs/${moment%%T*}.log"
  # A distance, so that all processes of the run share one clock that goes on. Waiting is by the monotonic clock, which stays.
  distance=$(($(date -d "$moment" +%s) - $(date +%s)))
  begun=$SECONDS
  # Without the last variable libfaketime bends what threads wait for by the monotonic clock, and Chromium stands still.
  TZ=$zone LANG=$language NO_COLOR=1 FAKETIME_FORCE_MONOTONIC_FIX=0 \
    faketime --exclude-monotonic -m -f "$(printf '%+d' "$distance")" \
    vitest run --configLoader native --config test/vitest.config.ts "$@" >"$log" 2>&1 &

  run=$!
  while kill -0 "$run" 2>/dev/null; do
    sleep 5
    (((SECONDS - begun) % 30 >= 5)) || echo "  $moment: $(grep -cE '^ *[✓❯×] test/' "$log" || true) test files so far, $((SECONDS - begun)) s"
  done
  if wait "$run"; then result=passed; else result=FAILED failed=$((failed + 1)); fi
  echo "$result $moment $zone $language ($((SECONDS - begun)) s)"
  [ "$result" = passed ] || { grep -E '^ *(FAIL|❯ test/|× )' "$log" | sort -u | head -40 || true; }
done
[ "$failed" = 0 ] || { echo "$failed of ${#DAYS[@]} days failed"; exit 1; }
