"""A gate run from its file to its exit code.

1. `run.run_gate` reads the gate, puts the caller's options in place of its own, finds the Langfuse keys
   (`deliver.langfuse_of`), and has dataset, candidate and scorers read and checked (`assembly.assemble`).
2. `alone.run_alone` opens store and link, and loads anchor and baseline (`baselines.load`), before a call is paid for.
3. `begin.begin_run` makes the run in the store, or finds the one to resume; what is to be known is said.
4. Under the run's lock the calls are announced (`announce`), made, scored and committed (`runner.session`). What is not
   complete ends here, with the command that goes on.
5. `decide.decide` makes the verdict from the stored run.
6. The caller is given it (`decided`; the command line shows it and writes its reports: `cli.terminal.present`).
7. `deliver.tell_and_deliver` does 6, and sends the rest to Langfuse. The exit code is the verdict's
   (`records.Verdict.exit_code`), or 5 where a delivery is required and not complete; then 7 comes before 6.

Two versions side by side take `beside.run_beside` in place of 2 to 5: rounds of `session.SideBySide`, until the data
decide. Results that exist take `check.check` or `enforce.enforce`: 5 alone.
"""
