-- One exchange of one program: what it owns and needs of some limits, and what the
-- server blocked. Times are in microseconds, by this server's clock; only durations
-- go in and out. See the package documentation for what each rule is for.
--
-- KEYS[1]  a hash: "e" the epoch, "m" the numbers of the budget, "p" and an id when a
--          program was heard, "l" and a key that a limit's hash exists
-- KEYS[2]  a sorted set: blocked endpoints, by the end of their block
-- KEYS[3…] a hash for each limit: "m" its numbers, an id what that program has

local main, blocks = KEYS[1], KEYS[2]
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]

local position = 0
local function text()
  position = position + 1
  return ARGV[position]
end
local function num() return tonumber(text()) end

local function words(s)
  local list = {}
  for w in string.gmatch(s or '', '%S+') do list[#list + 1] = tonumber(w) or w end
  return list
end
local function joined(list)
  for i, v in ipairs(list) do
    if type(v) == 'number' then list[i] = string.format('%d', v) end
  end
  return table.concat(list, ' ')
end

local me, epoch, seq, heard, ago, bound, seed = text(), text(), num(), num(), num(), num(), text()
local month = 30 * 86400000

-- The budget: until when nothing is granted, when anybody was heard last, since when
-- everybody could have been, the longest window, and when the dead were looked for.
local known = redis.call('HMGET', main, 'e', 'm', 'p' .. me)
local current, m = known[1], words(known[2])

local function begin() -- a new epoch: what was written down before holds no more
  redis.call('DEL', main)
  redis.call('HSET', main, 'e', seed, 'm', joined({ now + bound, now, now, m[4] or 0, now }))
  redis.call('PEXPIRE', main, month)
  return { 'epoch', seed, bound }
end

if not current or now + bound < m[2] then return begin() end
if epoch ~= current then return { 'epoch', current, math.max(0, m[1] - now) } end
local mine = words(known[3])
if mine[1] and mine[1] >= seq then return { 'stale' } end
-- Who is silent for long is forgotten, at the end of this script. Any other number below
-- one that was answered is of a replica that lagged.
if heard > 0 and (mine[1] or 0) < heard and (mine[1] or ago < 2 * bound + m[4]) then return begin() end
now = math.max(now, m[2])
if now - m[2] > bound / 2 then -- this server was away, or its clock jumped: nobody is dead for that
  m[3] = now
  if m[1] > m[2] then m[1] = now + bound end
end
m[2] = now
local recovering = now < m[1]

local news = {}
for i = 1, num() do
  local key = text()
  news[i] = { key, now + num() }
end

-- A limit: epoch, nothing granted before, when all programs were looked at, how many
-- there are, n, window, owned by all, levels of the three classes, rounded up and
-- down, 1 if there is enough for all, 1 if others want what is beyond a part, the
-- reserves, and the levels for a program that needs all it can get. A program: owned,
-- n, window, three needs, two reserves.
local EPOCH, HELD, SEEN, PROGRAMS, N, WINDOW, OWNED, UP, DOWN, SPARE, WANTED, RESERVE, FAIR = 1, 2, 3, 4, 5, 6, 7, 7, 10, 14, 15, 15, 17
local ALL = 2147483647

local limits = {}
for i = 1, num() do
  local l = { key = KEYS[i + 2], private = num() == 1, told = {}, gone = {} }
  for j = 1, 8 do l.told[j] = num() end
  local v = redis.call('HMGET', l.key, 'm', me)
  l.m, l.mine = words(v[1]), v[2] and words(v[2])
  if not v[1] and not l.private and redis.call('HEXISTS', main, 'l' .. l.key) == 1 then
    return begin() -- it was evicted
  end
  if l.m[EPOCH] ~= current then
    l.fresh, l.mine, l.m = true, nil, { current }
    for j = EPOCH + 1, FAIR + 3 do l.m[j] = 0 end
  end
  limits[i] = l
end

-- fill returns the levels up to which everybody gets what he needs: rounded up, and
-- down.
local function fill(all, needs)
  table.sort(needs)
  for i, k in ipairs(needs) do
    local share = #needs - i + 1
    if k * share > all then return math.ceil(all / share), math.floor(all / share) end
    all = all - k
  end
  return ALL, ALL
end

-- sum adds up what a program gets of the three classes below the levels at a place.
local function sum(l, p, level)
  local part = 0
  for c = 1, 3 do part = part + math.min(p[3 + c], l.m[level + c]) end
  return part
end

-- look goes through all programs: it forgets the dead, and divides the tokens.
local function look(l)
  local ids, has, all = {}, {}, redis.call('HGETALL', l.key)
  if l.fresh then all = {} end
  for i = 1, #all, 2 do
    if all[i] ~= 'm' and all[i] ~= me then
      ids[#ids + 1], has[#has + 1] = 'p' .. all[i], words(all[i + 1])
    end
  end
  local seen = #ids > 0 and redis.call('HMGET', main, unpack(ids)) or {}
  local n, window, owned, programs = l.told[2], l.told[3], l.told[1], 1
  local reserve, need, needs, all_told = { l.told[7], l.told[8] }, { 0, 0, 0 }, { {}, {}, {} }, {}
  local function count(p)
    all_told[#all_told + 1] = p
    for c = 1, 3 do
      local k = p[3 + c]
      need[c], needs[c][#needs[c] + 1] = need[c] + k, k
    end
    for c = 1, 2 do reserve[c] = math.max(reserve[c], p[6 + c]) end
  end
  count(l.told)
  for i, p in ipairs(has) do
    local silent = now - math.max(words(seen[i] or '')[2] or -bound, m[3])
    if not seen[i] or silent > bound + p[3] then
      l.gone[#l.gone + 1] = string.sub(ids[i], 2)
    else
      if silent > bound then p[4], p[5], p[6] = 0, 0, 0 end
      n, window, owned, programs = math.min(n, p[2]), math.max(window, p[3]), owned + p[1], programs + 1
      count(p)
    end
  end
  if programs == 1 then reserve = { 0, 0 } end
  local function classes(a, b, c) -- what they get in all, if they need so much
    local turn = math.floor(n / 11)
    local t2, t3 = math.min(b, turn), math.min(c, turn)
    a = math.min(a, n - t2 - t3)
    b = math.min(b, math.max(t2, n - math.max(a, reserve[1]) - t3))
    return { a, b, math.min(c, math.max(t3, n - math.max(a + b, reserve[2], reserve[1] + b))) }
  end
  local spare, got = 1, classes(unpack(need))
  for i = 1, 3 do
    local k = need[i]
    l.m[UP + i], l.m[DOWN + i] = ALL, ALL
    if k > 0 then
      need[i], needs[i][1] = ALL, ALL
      l.m[FAIR + i] = fill(classes(unpack(need))[i], needs[i])
      need[i], needs[i][#needs[i]] = k, l.told[3 + i]
      l.m[UP + i], l.m[DOWN + i] = fill(got[i], needs[i])
    end
    if got[i] < k then spare = 0 end
  end
  local unmet = math.max(0, reserve[1] - got[1], reserve[2] - got[1] - got[2])
  for _, p in ipairs(all_told) do unmet = unmet + math.max(0, sum(l, p, UP) - p[1]) end
  if l.m[WINDOW] > 0 and window > l.m[WINDOW] then l.m[HELD] = now + window end
  l.m[SEEN], l.m[PROGRAMS], l.m[N], l.m[WINDOW], l.m[OWNED] = now, programs, n, window, owned
  l.m[SPARE], l.m[WANTED] = spare, (spare == 0 or unmet > n - owned) and 1 or 0
  l.m[RESERVE + 1], l.m[RESERVE + 2] = math.max(reserve[1], l.told[7]), math.max(reserve[2], l.told[8])
end

local reply = { 'ok', current, math.max(0, m[1] - now) }
local function say(...)
  for _, v in ipairs({ ... }) do reply[#reply + 1] = v end
end
for _, l in ipairs(limits) do
  local told, before = l.told, l.mine and l.mine[1] or 0
  -- What was granted in an answer that was never heard was never spent. Whom nobody
  -- knows owns nothing, but while all tell anew.
  if l.mine then
    told[1] = math.min(told[1], before)
  elseif not recovering then
    told[1] = 0
  end
  local many = l.m[PROGRAMS] > 16 and now - l.m[SEEN] < l.m[PROGRAMS] * 2000
  local same = l.mine and l.mine[2] == told[2] and l.mine[3] == told[3]
  if many and same then
    l.m[OWNED] = l.m[OWNED] - before + told[1]
  else
    look(l)
  end
  local part = sum(l, told, UP)
  local free = l.m[N] - l.m[OWNED]
  local keep = ALL
  if l.private then
    keep = 0
  elseif l.m[WANTED] == 1 then
    keep = sum(l, told, DOWN)
  end
  local owned, most = told[1], part
  if owned < before and not l.private then -- what goes round is another's turn
    most = math.min(part, math.max(owned, keep))
  end
  if not recovering and now >= l.m[HELD] then
    owned = owned + math.max(0, math.min(most - owned, free))
  end
  local could = part -- have, if one of its classes needed all
  for c = 1, 3 do
    if told[3 + c] > 0 then
      could = math.max(could, math.min(l.m[N], part + l.m[FAIR + c] - math.min(told[3 + c], l.m[UP + c])))
    end
  end
  if l.m[SPARE] == 1 then could = math.max(could, told[1] + free) end
  l.m[OWNED] = l.m[OWNED] - told[1] + owned
  local r1, r2 = l.m[RESERVE + 1], l.m[RESERVE + 2]
  if l.m[PROGRAMS] > 1 then -- the pool has the rest
    r1, r2 = math.min(r1, told[4]), math.min(r2, told[4] + told[5])
  else
    local pool = l.m[N] - l.m[OWNED]
    r1, r2 = math.max(0, r1 - pool), math.max(0, r2 - pool)
  end
  told[1] = owned
  say(owned, could, keep, l.m[WINDOW], r1, r2)
end

-- All is read; from here on it is written.
for _, l in ipairs(limits) do
  if l.fresh then redis.call('DEL', l.key) end
  if #l.gone > 0 then redis.call('HDEL', l.key, unpack(l.gone)) end
  local told = l.told
  if l.private and told[1] + told[4] + told[5] + told[6] == 0 then
    redis.call('HDEL', l.key, me)
    if redis.call('HLEN', l.key) <= 1 then redis.call('DEL', l.key) end
  else
    m[4] = math.max(m[4], told[3])
    redis.call('HSET', l.key, 'm', joined(l.m), me, joined(told))
    redis.call('PEXPIRE', l.key, l.private and math.ceil((told[3] * 2 + bound) / 1000) + 600000 or month)
    if l.fresh and not l.private then redis.call('HSET', main, 'l' .. l.key, 1) end
  end
end
if now - m[5] > bound then
  m[5] = now
  local all = redis.call('HGETALL', main)
  for i = 1, #all, 2 do
    if string.sub(all[i], 1, 1) == 'p' and now - math.max(words(all[i + 1])[2], m[3]) > 2 * bound + m[4] then
      redis.call('HDEL', main, all[i])
    end
  end
end
redis.call('HSET', main, 'm', joined(m), 'p' .. me, joined({ seq, now }))
redis.call('PEXPIRE', main, month)

for _, b in ipairs(news) do
  if tonumber(redis.call('ZSCORE', blocks, b[1]) or 0) < b[2] then
    redis.call('ZADD', blocks, b[2], b[1])
    redis.call('PEXPIRE', blocks, math.max(redis.call('PTTL', blocks), math.ceil((b[2] - now) / 1000) + 1))
  end
end
if redis.call('EXISTS', blocks) == 1 then
  redis.call('ZREMRANGEBYSCORE', blocks, '-inf', string.format('%d', now))
  local all = redis.call('ZREVRANGEBYSCORE', blocks, '+inf', '-inf', 'WITHSCORES', 'LIMIT', 0, 64)
  for i = 1, #all, 2 do say(all[i], tonumber(all[i + 1]) - now) end
end
return reply
