"""The weekly report and the daily watch over it, for Airflow 2.6 or newer.

The worker must see the project, with its .venv: Airflow needs none of the project's packages.
"""

from datetime import timedelta

import pendulum

try:
    from airflow.sdk import DAG, Param
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.models.param import Param
try:
    from airflow.providers.standard.operators.bash import BashOperator
except ImportError:  # Airflow 2 without the provider
    from airflow.operators.bash import BashOperator

PROJECT = "/opt/siyu"
COMMON = {
    "start_date": pendulum.datetime(2026, 1, 1, tz="Asia/Shanghai"),
    "catchup": False,
    "max_active_runs": 1,
    # The run itself tries again what may go well, and after exit code 4 another run may end in 0
    # though not all were told.
    "default_args": {"retries": 0},
    "tags": ["siyu"],
}
ENVIRONMENT = {
    "SIYU_CONFIG": "notebooks/weekly.yaml",
    # What the configuration names under notify. Airflow masks variables whose names say "secret".
    "SIYU_WECOM": "{{ var.value.get('siyu_wecom_secret', '') }}",
}

with DAG(
    "siyu_report",
    schedule="0 6 * * 1",
    # A report ends with the last complete day of its data, which only the data tell: the day of
    # the schedule is none of them where an export is late. To look back, trigger it with a day.
    params={"as_of": Param("", type="string", pattern=r"^(\d{4}-\d{2}-\d{2})?$")},
    **COMMON,
):
    BashOperator(
        task_id="report",
        bash_command=(
            'umask 027 && exec nice .venv/bin/siyu report ${AS_OF:+--as-of "$AS_OF"} "$SIYU_CONFIG"'
        ),
        cwd=PROJECT,
        env={**ENVIRONMENT, "AS_OF": "{{ params.as_of }}"},
        append_env=True,
        skip_on_exit_code=5,  # another run goes on
        # Above run_timeout_seconds: for a source that hangs, on which no limit of the run falls.
        execution_timeout=timedelta(hours=2),
    )

with DAG("siyu_status", schedule="0 9 * * *", **COMMON):
    BashOperator(
        task_id="status",
        bash_command='exec .venv/bin/siyu status --check "$SIYU_CONFIG"',
        cwd=PROJECT,
        env=ENVIRONMENT,
        append_env=True,
        execution_timeout=timedelta(minutes=5),
    )
