-- Parts of the plugin that need no agent: positions, offers, settings, ratings, sessions.
local function positions(stage)
  local it = require('strop.positions')
  local line = 'a😀é€b'
  local cases = { { 'utf-8', 11 }, { 'utf-16', 6 }, { 'utf-32', 5 } }
  for _, case in ipairs(cases) do
    stage.equal(it.units(line, case[1]), case[2], case[1])
    stage.equal(it.bytes(line, case[2], case[1]), #line, case[1] .. ' and back')
  end
  stage.equal(it.bytes(line, 3, 'utf-16'), 5, 'behind the smiley')
  stage.equal(it.bytes(line, 4, 'utf-16'), 7, 'behind the e')
  stage.equal(it.bytes(line, 99, 'utf-16'), #line, 'beyond the end')
  stage.equal(it.units('', 'utf-16'), 0, 'nothing')
end

local function range(from, to)
  return { start = { line = 0, character = from }, ['end'] = { line = 0, character = to } }
end

local function offers(stage)
  local Offer = require('strop.offer')
  local client = { id = 1, offset_encoding = 'utf-16' }
  local function at(line, col, item)
    vim.api.nvim_buf_set_lines(0, 0, -1, false, { line })
    vim.api.nvim_win_set_cursor(0, { 1, col })
    return Offer.new(vim.api.nvim_get_current_buf(), client, item)
  end
  vim.o.virtualedit = 'onemore' -- the cursor behind the last character, as in insert mode

  stage.equal(at('foo', 3, { insertText = 'bar' }):rest(), 'bar', 'no range')
  stage.equal(at('é foo', 6, { insertText = 'foobar', range = range(2, 5) }):rest(), 'bar', 'a range before the cursor')
  stage.equal(at('foo', 3, { insertText = 'bar', range = range(0, 3) }), nil, 'another beginning')
  stage.equal(at('foo', 3, { insertText = 'foo', range = range(0, 3) }), nil, 'nothing new')
  stage.equal(at('foo', 3, { insertText = { kind = 'snippet', value = 'a$0' } }), nil, 'a snippet')
  stage.equal(at('foo', 1, { insertText = 'x', range = range(2, 3) }), nil, 'a range behind the cursor')

  local tail = at('f(x)', 3, { insertText = 'x, y)', range = range(2, 4) })
  stage.equal(tail:rest(), ', y)', 'with what it replaces')
  stage.equal(tail:unseen_rest(), ', y', 'without what stands there')
  stage.equal(tail:insert(tail:rest()), true, 'all')
  stage.equal(vim.api.nvim_get_current_line(), 'f(x, y)', 'line')

  local words = at('', 0, { insertText = 'ab cd(é)\n  ef' })
  local pieces, line = {}, nil
  while words:next_word() do
    pieces[#pieces + 1] = words:next_word()
    line = words:insert(words:next_word())
    stage.equal(words:accepted_length(), #table.concat(pieces):gsub('é', 'e'), 'accepted so far')
  end
  stage.equal(pieces, { 'ab', ' cd', '(', 'é', ')', '\n  ef' }, 'words')
  stage.equal(line, true, 'the last piece is the end')
  stage.equal(vim.api.nvim_buf_get_lines(0, 0, -1, false), { 'ab cd(é)', '  ef' }, 'lines')

  local follows = at(' fo', 3, { insertText = 'foobar', range = range(1, 3) })
  vim.api.nvim_buf_set_lines(0, 0, 0, false, { 'above' })
  vim.api.nvim_win_set_cursor(0, { 2, 3 })
  stage.equal(follows:rest(), 'obar', 'a line above')
  vim.api.nvim_buf_set_text(0, 1, 3, 1, 3, { 'x' })
  vim.api.nvim_win_set_cursor(0, { 2, 4 })
  stage.equal(follows:rest(), nil, 'something else was typed')
end

local function settings(stage)
  local strop = require('strop')
  local function refused(given, part)
    local fine, why = pcall(strop.setup, given)
    if fine or not why:find(part, 1, true) then
      error('setup ' .. vim.inspect(given) .. ' said ' .. tostring(why))
    end
  end
  refused({ agnet = 'x' }, "there is no 'agnet'; there are: agent, config, debounce, inline, keys, provider")
  refused({ debounce = 'x' }, "'debounce' has to be a number, not a string")
  refused({ keys = { acept = '<Tab>' } }, "keys has no 'acept'")
  refused({ keys = { accept = 1 } }, 'keys.accept has to be a key')
  stage.equal(pcall(strop.setup), true, 'setup of nothing')
  local function connect() end
  stage.equal(strop.cmd(connect), connect, 'a server that is no command')
end

local function ratings(stage)
  local parse = require('strop.rating').parse
  local dimensions, reason = parse({ 'correctness=1', 'best_practices=-1', 'reason=a', 'b=c' })
  stage.equal(dimensions, { correctness = 1, best_practices = -1 }, 'dimensions')
  stage.equal(reason, 'a b=c', 'reason')
  for _, wrong in ipairs({ 'correctness=2', 'correctness', 'beauty=1', 'security=', '1' }) do
    stage.equal(parse({ wrong }), nil, wrong)
  end
end

-- Asked how it stands, an agent ends instead.
local function sessions(stage)
  local clients, session = require('strop.clients'), require('strop.session')
  local request, defer = clients.request, vim.defer_fn
  local no_answer, status
  clients.request = function() return true, 1 end
  vim.defer_fn = function(act) no_answer = act end
  session.ask_status({ id = 7 }, 0, function(told) status = told end)
  clients.request, vim.defer_fn = request, defer
  session.forget(7)
  no_answer()
  stage.equal(status.mode, 'off', 'mode')
  stage.equal(session.last_status({ id = 7 }), nil, 'what is remembered of it')
end

return function(stage)
  positions(stage)
  offers(stage)
  settings(stage)
  ratings(stage)
  sessions(stage)
end
