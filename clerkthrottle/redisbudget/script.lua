-- One call of one program: what became of its requests, and what it asks for.
-- Time is the server's, in microseconds; the answer holds durations only.
--
-- A limit is a hash. Field "m" is its numbers, field "r" a ring of spent tokens
-- by the granule of time in which they come back, every other field one program:
--   seq heard inFlight held hungryUntil counted
-- out = tokens of requests under way, back = tokens on their way back,
-- hungry = programs that ask for more than they got, eaten = what these hold.

local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]

local position = 0
local function text()
  position = position + 1
  return ARGV[position]
end
local function num()
  position = position + 1
  return tonumber(ARGV[position])
end
local function words(s)
  local list, n = {}, 0
  for w in string.gmatch(s, '%d+') do
    n = n + 1
    list[n] = tonumber(w)
  end
  return list
end

local me, seq, bound = text(), num(), num()
local limits, gates, lines, runs = num(), num(), num(), num()

-- The ring. Three bytes a cell; cell g % size counts what comes back at granule g.

local function count(l, from, to) -- cells from..to of the string, no wrap
  local sum = 0
  for i = from, to do
    local a, b, c = string.byte(l.ring, 3 * i + 1, 3 * i + 3)
    sum = sum + a * 65536 + b * 256 + c
  end
  return sum
end

local function clear(l, from, to)
  local sum = count(l, from, to)
  if sum > 0 then
    l.ring = string.sub(l.ring, 1, 3 * from) .. string.rep('\0', 3 * (to - from + 1)) .. string.sub(l.ring, 3 * to + 4)
    l.back = l.back - sum
    l.dirty = true
  end
end

local function sweep(l)
  local granule = math.floor(now / l.granule)
  if granule > l.swept then
    if granule - l.swept >= l.size then
      clear(l, 0, l.size - 1)
    else
      local from, to = (l.swept + 1) % l.size, granule % l.size
      if from <= to then
        clear(l, from, to)
      else
        clear(l, from, l.size - 1)
        clear(l, 0, to)
      end
    end
    l.swept = granule
  end
  -- A clock that stepped back must not bring tokens back twice as early.
  l.now = math.max(now, l.swept * l.granule)
end

local function spend(l, answered, n) -- n tokens whose answers came at that time
  local granule = math.ceil((answered + l.window) / l.granule)
  if n <= 0 or granule <= l.swept then return end
  local i = math.min(granule, l.swept + l.size - 1) % l.size
  local c = count(l, i, i) + n
  l.ring = string.sub(l.ring, 1, 3 * i) ..
    string.char(math.floor(c / 65536) % 256, math.floor(c / 256) % 256, c % 256) .. string.sub(l.ring, 3 * i + 4)
  l.back = l.back + n
  l.dirty = true
end

-- scan looks at every program: the dead give back what they hold, and who has
-- not been heard for long is hungry no more.
local function scan(l)
  local all = redis.call('HGETALL', l.key)
  l.out, l.hungry, l.eaten, l.programs = 0, 0, 0, 0
  for i = 1, #all, 2 do
    local name = all[i]
    if name ~= 'm' and name ~= 'r' then
      local p = words(all[i + 1])
      local changed = false
      if p[2] + bound <= now and p[3] > 0 then
        spend(l, p[2] + bound, p[3])
        p[3], changed = 0, true
      end
      if p[6] == 1 and p[5] <= now then
        p[6], changed = 0, true
      end
      if name ~= me and p[2] + bound + l.window <= now then
        redis.call('HDEL', l.key, name)
      else
        l.programs = l.programs + 1
        l.out = l.out + p[3]
        if p[6] == 1 then l.hungry, l.eaten = l.hungry + 1, l.eaten + p[4] end
        if name == me then l.own = p end
        if changed then
          redis.call('HSET', l.key, name, string.format('%d %d %d %d %d %d', p[1], p[2], p[3], p[4], p[5], p[6]))
        end
      end
    end
  end
  l.scanned = now
end

local function load(key)
  local l = { key = key, n = num(), window = num(), cells = num(), known = num(), whole = num() == 1,
    inFlight = num(), held = num(), patience = num(), settled = {}, lost = false, lostAt = 0 }
  for i = 1, 2 * num() do l.settled[i] = num() end
  local v = redis.call('HMGET', key, 'm', 'r', me)
  if v[1] and v[2] then
    local m = words(v[1])
    l.window, l.cells, l.swept, l.back, l.out = m[1], m[2], m[3], m[4], m[5]
    l.hungry, l.eaten, l.programs, l.scanned, l.lostAt = m[6], m[7], m[8], m[9], m[10]
    l.ring = v[2]
  else
    l.back, l.out, l.hungry, l.eaten, l.programs, l.scanned = 0, 0, 0, 0, 0, now
  end
  l.granule, l.size = math.ceil(l.window / l.cells), l.cells + 2
  if not l.ring then
    l.swept, l.ring, l.dirty = math.floor(now / l.granule), string.rep('\0', 3 * l.size), true
  end
  l.own = v[3] and words(v[3])
  sweep(l)
  if math.abs(now - l.scanned) >= 100000 then scan(l) end
  if not l.own then
    l.own = { 0, now, 0, 0, 0, 0 }
    l.programs = l.programs + 1
  end
  return l
end

local all, stale = {}, false
for i = 1, limits do
  local l = load(KEYS[i])
  all[i] = l
  if l.own[1] >= seq then stale = true end
end
if stale then -- a call that was given up long ago and is carried out only now
  return { -1 }
end

for i = 1, limits do
  local l = all[i]
  l.out = l.out - l.own[3] + l.inFlight
  if l.own[6] == 1 then l.hungry, l.eaten = l.hungry - 1, l.eaten - l.own[4] end
  if l.known > l.own[1] then -- what this program told before is forgotten here
    l.lost, l.lostAt = true, now
  end
  if l.whole or not l.lost then
    for j = 1, #l.settled, 2 do spend(l, l.now - l.settled[j], l.settled[j + 1]) end
  end
  if l.whole then l.lost = false end
  local free = l.n - l.out - l.back
  local others = math.max(0, l.out + l.back - l.held - l.eaten) -- with programs that ask for nothing
  l.cap = math.max(1, math.ceil((l.n - others) / (l.hungry + 1)))
  l.room = math.max(0, math.min(free, l.cap - l.held))
  if l.lost then l.room = 0 end
  l.got = 0
end

local blocked = {}
for i = 1, gates do
  local key, known = KEYS[limits + i], num()
  local ends = tonumber(redis.call('GET', key) or 0)
  if known > 0 and now + known > ends then
    ends = now + known
    redis.call('SET', key, string.format('%d', ends), 'PX', math.ceil(known / 1000))
  end
  blocked[i] = math.max(0, ends - now)
end

local line, granted = {}, {}
for i = 1, lines do
  local g = { gate = num() }
  for j = 1, num() do g[j] = all[num()] end
  line[i], granted[i] = g, 0
end
for _ = 1, runs do
  local i, want = num(), num()
  local g = line[i]
  local n = want
  if blocked[g.gate] > 0 then
    n = 0
  else
    for j = 1, #g do n = math.min(n, g[j].room) end
    for j = 1, #g do
      local l = g[j]
      l.asked = true
      if n < want and l.room == n then l.short = true end
      l.room, l.got = l.room - n, l.got + n
    end
  end
  granted[i] = granted[i] + n
end

local told = {}
for i = 1, limits do
  local l = all[i]
  l.out, l.held = l.out + l.got, l.held + l.got
  local counted, hungryUntil = 0, now + l.patience
  if not l.asked and l.own[6] == 1 then -- it told something, and asks later
    l.short, hungryUntil = true, l.own[5]
  end
  if l.short then counted, l.hungry, l.eaten = 1, l.hungry + 1, l.eaten + l.held end
  local m = string.format('%d %d %d %d %d %d %d %d %d %d', l.window, l.cells, l.swept, l.back, l.out,
    l.hungry, l.eaten, l.programs, l.scanned, l.lostAt)
  local own = string.format('%d %d %d %d %d %d', seq, now, l.inFlight + l.got, l.held, hungryUntil, counted)
  if l.dirty then
    redis.call('HSET', l.key, 'm', m, me, own, 'r', l.ring)
  else
    redis.call('HSET', l.key, 'm', m, me, own)
  end
  redis.call('PEXPIRE', l.key, math.ceil((l.window + bound + 2 * l.granule) / 1000) + 1000)
  told[i] = { l.lost and 1 or 0, l.lostAt > 0 and now - l.lostAt or -1, l.window, l.cells, l.out, l.cap, l.short and 1 or 0,
    l.programs, l.swept % l.size, l.now - l.swept * l.granule, l.ring }
end
return { granted, blocked, told }
