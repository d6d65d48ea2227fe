-- Send the lines of a file as bodies, each once and in order, and print what was answered as one line of JSON.
-- Arguments: a file with a header in each line (name, space, value), and the file of the bodies.
wrk.method = "POST"

function init(args)
  for line in io.lines(args[1]) do
    local name, value = line:match("^(%S+) (.*)$")
    wrk.headers[name] = value
  end
  bodies = io.lines(args[2])
  sent, answered, failed = 0, 0, 0
end

function request()
  sent = sent + 1
  local body = bodies and bodies()
  if not body then bodies = nil end -- the end of the file, which must be asked for only once
  return wrk.format(nil, nil, nil, body or "")
end

function response(status)
  if status == 200 then answered = answered + 1 else failed = failed + 1 end
end

function setup(thread)
  threads = threads or {}
  table.insert(threads, thread)
end

function done(summary)
  local sums = {sent = 0, answered = 0, failed = summary.errors.read + summary.errors.timeout}
  for _, thread in ipairs(threads) do
    for _, name in ipairs({"sent", "answered", "failed"}) do
      sums[name] = sums[name] + thread:get(name)
    end
  end
  io.write(string.format('result {"sent": %d, "answered": %d, "failed": %d, "seconds": %f}\n',
    sums.sent, sums.answered, sums.failed, summary.duration / 1e6))
end
