-- What wrk sends and says. Arguments after "--": nothing, or "never", a seed, and how many symbols there are: then each
-- request asks for 100 of them that were never asked for together, the same lists for the same seed.
local seed, symbols

function init(args)
  if args[1] ~= "never" then return end
  seed, symbols = tonumber(args[2]), {}
  math.randomseed(seed)
  for n = 0, tonumber(args[3]) - 1 do symbols[n + 1] = string.format("SYM%04d", n) end
  request = function()
    for n = 1, 100 do
      local other = math.random(n, #symbols)
      symbols[n], symbols[other] = symbols[other], symbols[n]
    end
    return wrk.format("GET", "/signals/batch/all/" .. table.concat(symbols, ",", 1, 100))
  end
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format('\n{"requests":%d,"duration_us":%d,"failed":%d,"p99_us":%d,"bytes":%d}\n',
    summary.requests, summary.duration, failed, latency:percentile(99), summary.bytes))
end
