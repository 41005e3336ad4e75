-- One breaker's shared state: everything that changes it is one call of this script, so it changes as a whole.
--
-- KEYS: the breaker's hash, the set of names it is listed in, the log of transitions (one hash slot, so a cluster will do).
-- ARGV: what to do, name, the caller's version, title and policy as JSON ('' to use the stored ones), jitter 0..1, then:
--   look
--   sync      version  ok failed slow rejected  run  failures      what a process counted since it last said so
--   admit     permit                                              may I call?
--   settle    version  permit  ok|failed|release  why  failures   how the probe went
--   trip      version  why  left_ms  failures                     open it at once
--   override  mode  id  left_ms  actor  reason
--   end       id ('' for any)  actor  reason
--   reset     actor  reason
--   adopt     version  state  left_ms  open_ms  opens  mode  id  left_ms  actor  reason      after a flush or failover
-- Answer: 'unknown' | 'behind' (the store has lost what the caller knows) | 'ok' and what stands at the end of this file.
--
-- Redis' TIME is the only clock. Each transition raises the version, and what was counted or granted under another
-- version has no effect on the state.

local LOG_LIMIT, FAILURES_LIMIT, KEPT_MS = 10000, 8, 7 * 86400000
local WORDS = {'about', 'state', 'permits', 'mode', 'mode_id', 'actor', 'reason', 'failures'}
local NUMBERS = {
  'version', 'since', 'until', 'open_ms', 'opens', 'closed_at', 'run', 'passed', 'mode_until', 'tick', 'buckets',
  'ok', 'failed', 'slow', 'rejected', 'quiet_until'
}
local COUNTS = {'ok', 'failed', 'slow', 'rejected'}

local key, listed, log = KEYS[1], KEYS[2], KEYS[3]
local op, name, seen, about, jitter = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

-- The hash, and what of it is to be written

local h, dirty = {}, {}
for i, value in ipairs(redis.call('HMGET', key, unpack(WORDS))) do h[WORDS[i]] = value or '' end
for i, value in ipairs(redis.call('HMGET', key, unpack(NUMBERS))) do h[NUMBERS[i]] = tonumber(value or 0) end

local function put(field, value)
  h[field] = value
  dirty[field] = value
end

if op ~= 'adopt' and h.version < seen then return {'behind'} end
if about == '' then about = h.about end
if about == '' then
  redis.call('ZREM', listed, name)
  return {'unknown'}
end
local is_new = h.about == ''
if about ~= h.about then put('about', about) end
if h.state == '' then
  put('state', 'closed')
  put('since', now)
end
local card = cjson.decode(about)
local policy = card.policy
local granted = 0

-- The window: a ring of buckets, and the sums of what is in it

local width = math.max(1, math.ceil(policy.window_s / 60))
local buckets = math.ceil(policy.window_s / width)

local function wipe()
  local fields = {}
  for i = 0, h.buckets - 1 do fields[#fields + 1] = 'b' .. i end
  if #fields > 0 then redis.call('HDEL', key, unpack(fields)) end
  for _, count in ipairs(COUNTS) do put(count, 0) end
  put('run', 0)
end

local function slide()
  -- never back, should the server's clock be set back
  local tick = math.max(math.floor(now / 1000 / width), h.tick)
  if h.buckets ~= buckets or tick - h.tick >= buckets then
    local run = h.run
    wipe()
    put('run', run)
    put('buckets', buckets)
  elseif tick > h.tick then
    local fields = {}
    for t = h.tick + 1, tick do fields[#fields + 1] = 'b' .. t % buckets end
    for _, packed in ipairs(redis.call('HMGET', key, unpack(fields))) do
      local i = 0
      for n in string.gmatch(packed or '', '%d+') do
        i = i + 1
        put(COUNTS[i], h[COUNTS[i]] - tonumber(n))
      end
    end
    redis.call('HDEL', key, unpack(fields))
  end
  if tick ~= h.tick then put('tick', tick) end
end

local function add(counts)
  local field, sums, i = 'b' .. h.tick % buckets, {0, 0, 0, 0}, 0
  for n in string.gmatch(redis.call('HGET', key, field) or '', '%d+') do
    i = i + 1
    sums[i] = tonumber(n)
  end
  local any = false
  for j, count in ipairs(COUNTS) do
    local more = counts[count] or 0
    any = any or more > 0
    sums[j] = sums[j] + more
    if more > 0 then put(count, h[count] + more) end
  end
  if any then redis.call('HSET', key, field, string.format('%d %d %d %d', unpack(sums))) end
end

local function remember(packed)
  -- [[age_ms, why, took_ms, request id], ...], the oldest first
  if packed == '' then return end
  local kept = h.failures ~= '' and cjson.decode(h.failures) or {}
  for _, each in ipairs(cjson.decode(packed)) do
    kept[#kept + 1] = {now - each[1], each[2], each[3], each[4]}
  end
  while #kept > FAILURES_LIMIT do table.remove(kept, 1) end
  put('failures', cjson.encode(kept))
end

-- Transitions

local function state()
  if h.mode ~= '' then return h.mode end
  return policy.shadow and 'metrics_only' or h.state
end

local function tell(from, to, cause, text, actor, override)
  redis.call('RPUSH', log, cjson.encode({
    name = name, title = card.title, version = h.version, at_ms = now, from = from, to = to, cause = cause,
    text = text, actor = actor or '', override = override or '', open_ms = to == 'open' and h.open_ms or 0
  }))
  redis.call('LTRIM', log, -LOG_LIMIT, -1)
end

local function moved(from, cause, text, actor, override)
  put('version', h.version + 1)
  put('since', now)
  put('permits', '')
  put('passed', 0)
  tell(from, state(), cause, text, actor, override)
end

local function open(cause, text, left_ms)
  local from, opens = state(), h.opens
  if h.state == 'closed' and h.closed_at > 0 then
    -- each healthy while takes back one doubling
    local while_ms = math.max(policy.window_s, policy.open_s) * 1000
    opens = math.max(0, opens - math.floor((now - h.closed_at) / while_ms))
  end
  put('opens', math.min(opens + 1, 20))
  local open_ms = math.min(policy.open_s * 2 ^ (h.opens - 1), policy.open_limit_s) * 1000 * (1 - 0.1 * jitter)
  if left_ms > 0 then open_ms = math.min(left_ms, open_ms) end
  put('open_ms', math.ceil(open_ms))
  put('until', now + h.open_ms)
  put('state', 'open')
  moved(from, cause, text)
end

local function close()
  put('state', 'closed')
  put('closed_at', now)
  wipe()
end

local function lift(cause, reason, actor)
  local from, id = h.mode, h.mode_id
  for _, field in ipairs({'mode', 'mode_id', 'actor', 'reason'}) do put(field, '') end
  put('mode_until', 0)
  put('opens', 0)
  close()
  moved(from, cause, reason, actor, id)
end

local function percent(part, whole) return string.format('%.1f', 100 * part / whole) .. ' %' end

local function why_open(run)
  local calls = h.ok + h.failed
  if policy.consecutive and run >= policy.consecutive then return 'consecutive', run .. ' calls in a row failed' end
  if policy.failures and h.failed >= policy.failures then
    return 'failures', string.format('%d calls failed within %g s', h.failed, policy.window_s)
  end
  if calls < policy.minimum_calls then return end
  if policy.failure_rate and h.failed >= policy.failure_rate * calls then
    local limit = string.format('%g', policy.failure_rate * 100) .. ' %'
    return 'rate', percent(h.failed, calls) .. ' of ' .. calls .. ' calls failed, limit ' .. limit
  end
  if policy.slow_rate and h.slow >= policy.slow_rate * calls then
    return 'slow', percent(h.slow, calls) .. ' of ' .. calls .. ' calls took ' .. policy.slow_s .. ' s or longer'
  end
end

local function threatened(cause, text, left_ms)
  if state() == 'closed' then
    open(cause, text, left_ms)
  elseif state() == 'metrics_only' and now >= h.quiet_until then
    put('quiet_until', now + math.ceil(policy.open_s * 1000))
    tell('metrics_only', 'metrics_only', 'would_open', text)
  end
end

-- Permits: "id=expiry id=expiry"

local function permits()
  local live, n = {}, 0
  for id, expiry in string.gmatch(h.permits, '(%w+)=(%d+)') do
    if tonumber(expiry) > now then
      live[id] = tonumber(expiry)
      n = n + 1
    end
  end
  return live, n
end

local function hold(live)
  local packed = {}
  for id, expiry in pairs(live) do packed[#packed + 1] = id .. '=' .. string.format('%.0f', expiry) end
  put('permits', table.concat(packed, ' '))
end

-- What time has done

slide()
if h.mode ~= '' and now >= h.mode_until then lift('expired', 'the override has expired') end
if h.state == 'open' and h['until'] - now > h.open_ms then put('until', now + h.open_ms) end

-- What the caller does

if op == 'sync' then
  local version, run = tonumber(ARGV[6]), tonumber(ARGV[11])
  local delta = {ok = tonumber(ARGV[7]), failed = tonumber(ARGV[8]), slow = tonumber(ARGV[9])}
  local is_current = version == h.version
  -- of the time before the last transition: nothing for a closed breaker, mere figures for an open one
  if not is_current and h.state == 'closed' then delta = {ok = 0, failed = 0, slow = 0} end
  delta.rejected = tonumber(ARGV[10])
  add(delta)
  remember(ARGV[12])
  if is_current and h.state == 'closed' and delta.ok + delta.failed + delta.slow > 0 then
    -- in the order of arrival: a success ends the row of failures that other processes saw
    put('run', delta.ok > 0 and math.min(run, delta.failed) or h.run + delta.failed)
    local cause, text = why_open(math.max(run, h.run))
    if cause then threatened(cause, text, 0) end
  end
elseif op == 'admit' then
  if state() == 'open' and now >= h['until'] then
    put('state', 'half_open')
    moved('open', 'probing', policy.probes .. ' at a time, ' .. policy.successes .. ' close it')
  end
  if state() == 'half_open' then
    local live, n = permits()
    if n < policy.probes and n + h.passed < math.max(policy.probes, policy.successes) then
      live[ARGV[6]] = now + math.ceil(policy.probe_s * 1000)
      granted = 1
    end
    hold(live)
  end
elseif op == 'settle' then
  local live = permits()
  if tonumber(ARGV[6]) == h.version and state() == 'half_open' and live[ARGV[7]] then
    live[ARGV[7]] = nil
    hold(live)
    remember(ARGV[10])
    if ARGV[8] == 'ok' then
      put('passed', h.passed + 1)
      add({ok = 1})
      if h.passed >= policy.successes then
        local passed = h.passed
        close()
        moved('half_open', 'recovered', passed .. ' of ' .. policy.successes .. ' probes passed')
      end
    elseif ARGV[8] == 'failed' then
      add({failed = 1})
      open('probe', 'a probe failed: ' .. ARGV[9], 0)
    end
  end
elseif op == 'trip' then
  remember(ARGV[9])
  if tonumber(ARGV[6]) == h.version and h.state == 'closed' then threatened('trip', ARGV[7], tonumber(ARGV[8])) end
elseif op == 'override' then
  if h.mode_id ~= ARGV[7] then
    local from = state()
    if h.state ~= 'closed' then close() end
    put('mode', ARGV[6])
    put('mode_id', ARGV[7])
    put('mode_until', now + tonumber(ARGV[8]))
    put('actor', ARGV[9])
    put('reason', ARGV[10])
    moved(from, 'override', ARGV[10], ARGV[9], ARGV[7])
  end
elseif op == 'end' then
  if h.mode ~= '' and (ARGV[6] == '' or ARGV[6] == h.mode_id) then lift('ended', ARGV[8], ARGV[7]) end
elseif op == 'reset' then
  if h.mode == '' then
    local from = state()
    put('opens', 0)
    close()
    moved(from, 'reset', ARGV[7], ARGV[6])
  end
elseif op == 'adopt' and h.version < tonumber(ARGV[6]) then
  put('version', tonumber(ARGV[6]))
  put('state', ARGV[7])
  put('since', now)
  put('until', now + tonumber(ARGV[8]))
  put('open_ms', math.max(tonumber(ARGV[8]), tonumber(ARGV[9])))
  put('opens', tonumber(ARGV[10]))
  put('mode', ARGV[11])
  put('mode_id', ARGV[12])
  put('mode_until', now + tonumber(ARGV[13]))
  put('actor', ARGV[14])
  put('reason', ARGV[15])
  put('permits', '')
  put('passed', 0)
  if h.state == 'closed' then put('closed_at', now) end
end

-- What is kept, and for how long

local pairs_of = {}
for field, value in pairs(dirty) do
  pairs_of[#pairs_of + 1] = field
  pairs_of[#pairs_of + 1] = value
end
if #pairs_of > 0 then redis.call('HSET', key, unpack(pairs_of)) end
local mode_left = math.max(0, h.mode_until - now)
local kept_ms = KEPT_MS
if card.member then kept_ms = math.max(policy.window_s, policy.open_limit_s) * 2000 + mode_left end
if op ~= 'look' or is_new then
  -- looking alone keeps nothing alive: a breaker that no process has any more goes by itself
  redis.call('PEXPIRE', key, math.ceil(kept_ms))
  if not card.member or state() ~= 'closed' then redis.call('ZADD', listed, now + kept_ms, name) end
end
if card.member and state() == 'closed' then redis.call('ZREM', listed, name) end

local left = 0
if state() == 'open' then
  left = math.max(0, h['until'] - now)
elseif state() == 'forced_open' then
  left = mode_left
elseif state() == 'half_open' and granted == 0 then
  local live = permits()
  for _, expiry in pairs(live) do
    left = left == 0 and expiry - now or math.min(left, expiry - now)
  end
end
local answer = {
  'ok', state(), h.version, left, h.state, h.opens, h.open_ms, granted, h.mode, h.mode_id, mode_left, h.actor, h.reason
}
if op == 'look' then
  local _, probing = permits()
  for _, more in ipairs({
    now - h.since, h.ok, h.failed, h.slow, h.rejected, h.passed, probing, now, h.failures, about
  }) do answer[#answer + 1] = more end
end
return answer
