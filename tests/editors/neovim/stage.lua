-- What the scenes of this folder share: a Neovim with the plugin, hands that type, eyes on the screen.
--
-- Keys are taken up only by a real main loop: a scene runs in a coroutine that a timer resumes, and
-- waits by looking again until a deadline.
local M = {}

local DEADLINE_MS = 30000
M.plan = vim.fn.json_decode(os.getenv('STROP_PLAN'))
M.messages = {} -- what vim.notify was given

local co

function M.pause(ms)
  vim.defer_fn(function() assert(coroutine.resume(co)) end, ms)
  coroutine.yield()
end

local function said()
  return table.concat(M.messages, ' | ')
end

function M.await(what, holds)
  local last = vim.loop.now() + DEADLINE_MS
  while true do
    local got = holds()
    if got then return got end
    if vim.v.errmsg ~= '' then error('Neovim says: ' .. vim.v.errmsg) end
    if vim.loop.now() > last then
      error(('waited in vain for %s; line "%s", ghost "%s", mode %s, said: %s'):format(
        what, M.line(), tostring(M.ghost()), vim.api.nvim_get_mode().mode, said()))
    end
    M.pause(10)
  end
end

-- For so long, something has to stay as it is: a developer who reads.
function M.stays(what, ms, holds)
  local last = vim.loop.now() + ms
  while vim.loop.now() <= last do
    if not holds() then error(what .. ' did not stay') end
    M.pause(10)
  end
end

function M.equal(got, want, what)
  if not vim.deep_equal(got, want) then
    error(('%s: got %s, want %s; said: %s'):format(what, vim.inspect(got), vim.inspect(want), said()), 2)
  end
end

function M.keys(text)
  vim.api.nvim_feedkeys(vim.api.nvim_replace_termcodes(text, true, true, true), 't', false)
end

function M.line()
  return vim.api.nvim_get_current_line()
end

function M.insert(keys)
  M.keys(keys)
  M.await('insert mode', function() return vim.api.nvim_get_mode().mode == 'i' end)
end

function M.leave_insert()
  M.keys('<Esc>')
  M.await('normal mode', function() return vim.api.nvim_get_mode().mode == 'n' end)
end

-- Key by key, at the end of the line. At a person's speed: what comes faster,
-- Neovim tells in bundles that no fingers type.
function M.type(text)
  for i = 1, #text do
    M.pause(60)
    local want = M.line() .. text:sub(i, i)
    M.keys(text:sub(i, i))
    M.await('the key ' .. text:sub(i, i), function() return M.line() == want end)
  end
end

-- What is drawn behind the cursor, all lines of it; nil: nothing.
function M.ghost()
  local spaces = vim.api.nvim_get_namespaces()
  for _, name in ipairs({ 'strop.ghost', 'nvim.lsp.inline_completion' }) do
    local marks = spaces[name]
      and vim.api.nvim_buf_get_extmarks(0, spaces[name], 0, -1, { details = true })
    local mark = marks and marks[1]
    if mark and mark[4].virt_text then
      local lines = { mark[4].virt_text[1][1] }
      for _, line in ipairs(mark[4].virt_lines or {}) do
        lines[#lines + 1] = line[1][1]
      end
      local text = table.concat(lines, '\n')
      return text ~= '' and text or nil
    end
  end
  return nil
end

function M.await_ghost(text)
  M.await('the ghost text ' .. text, function() return M.ghost() == text end)
end

function M.await_line(text)
  M.await('the line ' .. text, function() return M.line() == text end)
end

-- Everything that the agent keeps, by its own account.
function M.kept()
  local out = vim.fn.system({ M.plan.agent, 'inspect', '--json' })
  local all = vim.fn.json_decode(out)
  local events = {}
  for _, record in ipairs(all.records) do
    local fine, event = pcall(vim.fn.json_decode, record.bytes)
    if fine and type(event) == 'table' then events[#events + 1] = event end
  end
  return events, all.ledger
end

function M.await_event(what, matches)
  local kept = {}
  local fine, found = pcall(M.await, 'the event ' .. what, function()
    kept = M.kept()
    for _, event in ipairs(kept) do
      if matches(event) then return event end
    end
  end)
  if fine then return found end
  for _, event in ipairs(kept) do -- what matters of it
    event.prefix, event.suffix, event.uri, event.candidates, event.prompt_hash = nil, nil, nil, nil, nil
  end
  error(found .. '; there is: ' .. vim.inspect(kept), 0)
end

function M.await_outcome(outcome)
  return M.await_event(outcome, function(event)
    return event.type == 'outcome' and event.outcome == outcome
  end)
end

function M.await_said(part)
  M.await('the message ' .. part, function() return said():find(part, 1, true) end)
end

function M.await_statusline(text)
  M.await('the status ' .. text, function() return require('strop').statusline() == text end)
end

function M.open(file)
  vim.cmd('edit ' .. vim.fn.fnameescape(file))
end

-- Neovim ends every client of its own accord; that the agents have ended is the test's to see.
function M.run(scene)
  vim.opt.runtimepath:prepend(M.plan.plugin)
  vim.notify = function(text) M.messages[#M.messages + 1] = text end
  vim.cmd('runtime plugin/strop.lua')
  co = coroutine.create(function()
    vim.v.errmsg = ''
    local done, fault = pcall(scene)
    if done and vim.v.errmsg ~= '' then
      done, fault = false, vim.v.errmsg
    end
    vim.fn.writefile(vim.split(done and 'OK' or ('FAULT ' .. tostring(fault)), '\n'), M.plan.result)
    vim.cmd('qa!')
  end)
  vim.defer_fn(function() assert(coroutine.resume(co)) end, 10)
end

return M
