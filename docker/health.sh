#!/usr/bin/env bash
# Whether a container works: a worker's sshd answers, or the program and its libraries start.
if [[ $(tr '\0' ' ' </proc/1/cmdline) == *sshd* ]]; then
  exec 3<>/dev/tcp/127.0.0.1/2222 && read -r -t 5 -u 3 greeting && [[ $greeting == SSH-* ]]
else
  explaind --version >/dev/null
fi
