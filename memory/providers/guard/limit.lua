-- A token bucket as one number (GCRA): the time at which it is full again, in microseconds of Redis' own clock.
-- KEYS[1]: that time. ARGV: seconds of one token and of the whole bucket, longest wait, shortest wait of all who follow
-- (each in microseconds); with the last one given, nothing is taken.
-- Answers the wait that the caller's token needs; negative where it is longer than the longest, and nothing is taken.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local one, whole, most, hold = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local full = math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0'))
local wait = 0
if hold > 0 then
  full = math.max(full, now + hold + whole - one)
else
  wait = math.max(0, full + one - whole - now)
  if wait > most then
    return -math.ceil(wait)
  end
  full = full + one
end
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000) + 1000)
return math.ceil(wait)
