#!/usr/bin/env bash
# A Slurm cluster of one node on this machine, from Debian's packages, and a small sweep through it. Shows that
# profiles/slurm works, that its tables are those of a local run, and that a killed Snakemake goes on.
#
#     sudo make test-slurm
#
# Needs root: it installs packages and starts munged, slurmctld and slurmd, which it stops in the end.
set -euo pipefail

project=$(cd "$(dirname "$0")/../.." && pwd)
bin=$project/.venv/bin
work=$(mktemp -d)
# Where every command of Slurm looks: a step started inside a job does not get the environment.
conf=/etc/slurm/slurm.conf
[ ! -e "$conf" ] || { echo "$conf exists: this machine has a Slurm of its own" >&2; exit 2; }
[ "$(id -u)" = 0 ] || { echo "run it as root: it starts the daemons of Slurm" >&2; exit 2; }

stop() {
    for name in slurmd slurmctld; do
        [ -f "$work/$name.pid" ] || continue
        pid=$(cat "$work/$name.pid")
        kill "$pid" 2>/dev/null
        while kill -0 "$pid" 2>/dev/null; do sleep 0.2; done
    done
    rm -f "$conf"
    [ -n "${KEEP:-}" ] || rm -rf "$work"
}
trap stop EXIT

if ! command -v slurmctld slurmd sbatch munged >/dev/null; then
    apt-get install -qq -y --no-install-recommends slurmctld slurmd slurm-client munge >"$work/apt.log"
fi
"$bin/python" -m pip install -q -c "$project/constraints.txt" -e "$project[slurm]"
if ! munge -n >/dev/null 2>&1; then
    mkdir -p /run/munge && chown munge /run/munge
    runuser -u munge -- munged
fi

mkdir "$work/state" "$work/spool"
mkdir -p "$(dirname "$conf")"
cat >"$conf" <<CONF
ClusterName=trial
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmUser=root
SlurmdUser=root
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd.log
SlurmctldPort=16817
SlurmdPort=16818
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
NodeName=$(hostname -s) NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$(free -m | awk '/^Mem/ {print $2 - 500}')
PartitionName=trial Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
slurmctld
slurmd
for _ in $(seq 30); do
    sinfo -h -o %T 2>/dev/null | grep -q idle && break
    sleep 1
done
sinfo -h -o "slurm $(slurmctld -V), node %N: %T, %c cores"

# The sweep in a copy, so that build/ here stays as it is.
git clone -q "$project" "$work/copy"
cd "$work/copy"
cp "$project/tests/slurm/sweep.yaml" config/trial.yaml
sweep() { "$bin/snakemake" "$@" --configfile config/trial.yaml -- sweep; }
slurm() {
    sweep --profile profiles/slurm --slurm-status-command squeue --slurm-no-account \
        --slurm-init-seconds-before-status-checks 5 --latency-wait 10 "$@"
}

echo "1. killed in the middle"
: >"$work/first.log"
setsid bash -c "$(declare -f sweep slurm); bin=$bin; slurm" >"$work/first.log" 2>&1 &
leader=$!
until grep -q 'Finished jobid: .*(Rule: cell)' "$work/first.log"; do
    kill -0 "$leader" 2>/dev/null || { cat "$work/first.log"; exit 1; }
    sleep 1
done
kill -9 -- "-$leader"
wait "$leader" 2>/dev/null || true
scancel --user root
# Complete is what Snakemake saw the end of. A run that ended unseen is done again.
kept=$(awk '
    match($0, /^Job [0-9]+: running notebooks\//) { sub(/\.py with /, "/"); split($2, id, ":")
        run[id[1]] = "build/sweep/" substr($4, 11) "/summary.csv" }
    /^Finished jobid: .*\(Rule: cell\)/ { print run[$3] }' "$work/first.log" | sort)
before=$(stat -c '%n %Y' $kept)
echo "   $(echo "$kept" | wc -l) of 9 runs were complete"

echo "2. started again"
slurm >"$work/second.log" 2>&1 || { tail -n 60 "$work/second.log"; exit 1; }
[ "$before" = "$(stat -c '%n %Y' $kept)" ] || { echo "a complete run was done again" >&2; exit 1; }
cp build/sweep/summary.csv "$work/slurm.csv"

echo "3. beside a local run"
rm -rf build .snakemake
sweep --profile profiles/local >"$work/local.log" 2>&1 || { tail -n 60 "$work/local.log"; exit 1; }
cmp "$work/slurm.csv" build/sweep/summary.csv
echo "the tables are the same, bit for bit: $(wc -l <build/sweep/summary.csv) lines"
