#!/bin/sh
# Run a command of siyu for cron: cron.sh COMMAND [OPTION]... SIYU_ENV names a copy of siyu.env.
# All output goes to a log; only of a run that failed is something printed, which cron mails.
set -e
cd "$(dirname "$0")/.."
umask 027 # reports are not for everybody on this machine
set -a    # what the file sets is for the command
. "$SIYU_ENV"
set +a
log=.cache/cron.log
mkdir -p .cache

code=0
{
  echo "$(date '+%F %T %z') siyu $*"
  # Above run_timeout_seconds: for a source that hangs, on which no limit of the run falls.
  nice timeout --kill-after=1m 2h .venv/bin/siyu "$@" $SIYU_CONFIG || code=$?
} >>"$log" 2>&1
case $code in
0 | 5) exit 0 ;; # 5: another run goes on
esac
echo "siyu $1 ended with exit code $code: see $PWD/$log"
.venv/bin/siyu notify --failed "siyu $1" $SIYU_CONFIG >>"$log" 2>&1 || echo "the team was not told"
exit "$code"
