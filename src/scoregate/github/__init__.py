"""A verdict where the build is: in the job's summary, beside the lines of the gate, in one comment, in a check run.

From result documents alone. The order in which to read: `job` (what the workflow's environment says), `publishing`
(what is told, and what a token without rights leaves of it), then each face: `annotations` with `workflow_commands`,
`check_run`, and the comment, which is `section` (one gate), `body` (all of them in one text, and back) and `writing`
(several jobs write it at once, and nothing is lost).
"""
