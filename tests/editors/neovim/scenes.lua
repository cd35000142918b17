-- One scene a function: what a developer does in Neovim with the plugin, and what is seen. What the
-- agent then holds is for neovim_plugin_test.cpp to say.
--   nvim --headless --clean -c 'luafile scenes.lua'   with STROP_PLAN, JSON: scene, plugin, agent, file, …
local here = debug.getinfo(1, 'S').source:sub(2):match('^(.*)/[^/]*$')
package.path = here .. '/?.lua;' .. package.path
local stage = require('stage')
local plan = stage.plan
local strop

local KEYS = { accept = '<Tab>', accept_word = '<C-l>', dismiss = '<C-]>', next = '<C-j>', prev = '<C-k>' }
local SEEN_MS = 700 -- longer than a glance, which is 500

local function start(more)
  strop = require('strop')
  strop.setup(vim.tbl_extend('force', { agent = plan.agent, keys = KEYS }, more or {}))
  stage.open(plan.file)
end

-- Opens a line below the last one and types until the suggestion is there.
local function until_offered(typed, ghost)
  stage.insert('Go')
  stage.await_statusline('strop: capturing')
  stage.type(typed)
  stage.await_ghost(ghost)
end

local function offered()
  start()
  until_offered('ret', 'urn width * height')
end

local M = {}

function M.Accept()
  offered()
  stage.keys('<Tab>')
  stage.await_line('return width * height')
  stage.equal(stage.ghost(), nil, 'ghost text after the accept')
  stage.await_outcome('accepted')
end

function M.TabIsATabWhereNothingIsShown()
  start()
  vim.bo.expandtab = false
  stage.insert('Go')
  stage.keys('<Tab>')
  stage.await_line('\t')
end

function M.AcceptByWords()
  offered()
  stage.keys('<C-l>')
  stage.await_line('return')
  stage.await_ghost(' width * height')
  stage.keys('<C-l>')
  stage.await_line('return width')
  stage.await_ghost(' * height')
  stage.leave_insert()
  stage.equal(stage.ghost(), nil, 'ghost text in normal mode')
  vim.cmd('bwipeout!')
  stage.await_outcome('partial')
end

function M.WordsToTheEndAreAnAccept()
  start()
  until_offered('tot', 'al')
  stage.keys('<C-l>')
  stage.await_line('total')
  stage.await_outcome('accepted')
end

function M.Dismiss()
  offered()
  stage.keys('<C-]>')
  stage.await('no ghost text', function() return not stage.ghost() end)
  stage.equal(stage.line(), 'ret', 'line')
  stage.leave_insert()
  stage.await_outcome('dismissed')
end

function M.TypeThrough()
  offered()
  stage.stays('the ghost text', SEEN_MS, function() return stage.ghost() end)
  local rest = 'urn width * height'
  for i = 1, #rest do
    stage.type(rest:sub(i, i))
    if i < #rest then stage.await_ghost(rest:sub(i + 1)) end
  end
  stage.await_outcome('typed_through')
end

function M.TypeOver()
  offered()
  stage.stays('the ghost text', SEEN_MS, function() return stage.ghost() end)
  stage.type('ry again')
  stage.await('no ghost text', function() return not stage.ghost() or not strop.visible() end)
  stage.await_outcome('dismissed')
end

-- The agent cancels what is out of date; here one does not.
function M.AnAnswerToAnOlderTextIsDropped()
  local client = { id = 1, offset_encoding = 'utf-16' }
  local answers, cancelled = {}, {}
  require('strop.provider').of = function() return client end
  require('strop.clients').request = function(_, _, _, handler)
    answers[#answers + 1] = handler
    return true, #answers
  end
  require('strop.clients').cancel = function(_, id) cancelled[#cancelled + 1] = id end
  vim.lsp.get_client_by_id = function() return client end
  start({ provider = false, debounce = 1 })
  stage.insert('Go')
  stage.await('a question', function() return #answers == 1 end)
  stage.type('ab')
  stage.await('another question', function() return #answers > 1 end)
  stage.equal(cancelled[1], 1, 'cancelled')
  answers[1](nil, { { insertText = 'old' } })
  stage.equal(stage.ghost(), nil, 'after an answer to a request that was cancelled')
  local last = answers[#answers]
  vim.api.nvim_buf_set_lines(0, 0, 0, false, { 'changed elsewhere' })
  last(nil, { { insertText = 'late' } })
  stage.equal(stage.ghost(), nil, 'after an answer to an older text')
end

function M.TwoCandidates()
  start()
  until_offered('he', 'ight = 3')
  stage.keys('<C-j>')
  stage.await_ghost('ight = width')
  stage.keys('<C-k>')
  stage.await_ghost('ight = 3')
  stage.keys('<C-j>')
  stage.await_ghost('ight = width')
  stage.keys('<Tab>')
  stage.await_line('height = width')
  stage.await_outcome('accepted')
end

function M.SeveralLines()
  start()
  until_offered('def t', 'wice():\n    return 2')
  stage.keys('<Tab>')
  stage.await_line('    return 2')
  stage.equal(vim.api.nvim_buf_get_lines(0, -3, -1, false), { 'def twice():', '    return 2' }, 'lines')
  stage.await_outcome('accepted')
end

function M.PositionsAreInUtf16()
  start()
  stage.insert('Go')
  stage.await_statusline('strop: capturing')
  local line = 'x = "😀é"; ret'
  stage.keys(line)
  stage.await_line(line)
  stage.await_ghost('urn width * height')
  stage.keys('<Tab>')
  stage.await_line('x = "😀é"; return width * height')
  stage.await_outcome('accepted')
end

function M.InTheMiddleOfALine()
  start()
  stage.insert('Go')
  stage.await_statusline('strop: capturing')
  stage.keys('f()')
  stage.await_line('f()')
  stage.keys('<Left>wid')
  stage.await_line('f(wid)')
  stage.await_ghost('th * height')
  stage.keys('<Tab>')
  stage.await_line('f(width * height)')
  stage.await_outcome('accepted')
end

function M.RateByCommand()
  offered()
  stage.keys('<Tab>')
  stage.await_outcome('accepted')
  stage.leave_insert()
  vim.cmd('StropRate correctness=1 security=-1 reason=short and right')
  stage.await_event('rated', function(event) return event.type == 'rated' end)
  vim.cmd('StropRate beauty=1')
  stage.await_said("'beauty=1' is no rating")
end

function M.RateByMenu()
  offered()
  stage.keys('<Tab>')
  stage.await_outcome('accepted')
  stage.leave_insert()
  local wanted = { 1, 2, 3, 4, 1 } -- good, neither, bad, no opinion, good
  local prompts = {}
  vim.ui.select = function(choices, options, chosen)
    prompts[#prompts + 1] = options.prompt
    chosen(choices[wanted[#prompts]])
  end
  vim.ui.input = function(_, entered) entered('because') end
  vim.cmd('StropRate')
  stage.equal(prompts, { 'correctness', 'efficiency', 'readability', 'best practices', 'security' }, 'prompts')
  stage.await_event('rated', function(event) return event.type == 'rated' end)
end

function M.PauseAndResume()
  start()
  stage.insert('Go')
  stage.await_statusline('strop: capturing')
  stage.leave_insert()
  vim.cmd('StropPause')
  stage.await_statusline('strop: paused')
  stage.await_said('paused, by rule paused')
  stage.insert('A')
  stage.type('ret')
  stage.leave_insert()
  stage.equal(#(stage.kept()), 0, 'records while paused')
  vim.cmd('StropResume')
  stage.await_statusline('strop: capturing')
  stage.insert('o')
  stage.type('ret')
  stage.await_ghost('urn width * height')
  stage.keys('<Tab>')
  stage.await_outcome('accepted')
end

-- Without any agent in the editor, the program is asked.
function M.PauseWithoutAnAgent()
  start({ provider = false })
  vim.cmd('StropPause')
  stage.await_said('Paused: nothing is captured')
  vim.cmd('StropResume')
  stage.await_said('Resumed')
  stage.equal(strop.statusline(), '', 'status line')
end

-- clangd behind an agent that has no provider; beside it, the plugin's own.
function M.TwoAgentsInOneEditor()
  strop = require('strop')
  strop.setup({ agent = plan.agent, keys = KEYS })
  local diagnosed = false
  local config = strop.wrap({
    name = 'clangd',
    cmd = { 'clangd', '--background-index=0', '--log=error' },
    root_dir = plan.root,
    handlers = { ['textDocument/publishDiagnostics'] = function() diagnosed = true end },
  }, { config = plan.without_provider })
  stage.open(plan.file)
  vim.cmd('setlocal nocindent indentexpr=')
  local bufnr = vim.api.nvim_get_current_buf()
  local id
  if vim.fn.has('nvim-0.11') == 1 then
    id = vim.lsp.start(config, { attach = false })
  else
    id = vim.lsp.start_client(config)
  end
  stage.await('clangd', function()
    local client = vim.lsp.get_client_by_id(id)
    return client and client.initialized
  end)
  vim.lsp.buf_attach_client(bufnr, id)
  vim.bo.omnifunc = 'v:lua.vim.lsp.omnifunc'
  vim.o.completeopt = 'menuone,noinsert'
  stage.await('diagnostics', function() return diagnosed end)
  stage.insert('Go')
  stage.await('two agents', function() return #require('strop').status() == 2 end)
  stage.type('w.comp')
  stage.keys('<C-x><C-o>')
  stage.await('the menu', function() return vim.fn.pumvisible() == 1 end)
  stage.equal(stage.ghost(), nil, 'ghost text below the menu')
  stage.keys('<C-y>')
  stage.await('the menu to close', function()
    return vim.fn.pumvisible() == 0 and stage.line():find('^w%.compute_area')
  end)
  stage.type(stage.line():sub(-1) == ')' and ';' or '();') -- by what the editor says it can do
  stage.keys('<CR>')
  stage.await_line('')
  stage.type('ret')
  stage.await_ghost('urn width * height;')
  stage.keys('<Tab>')
  stage.await_line('return width * height;')
  stage.leave_insert()
  for _, source in ipairs({ 'popup', 'inline' }) do
    stage.await_event(source .. ' accepted', function(event)
      return event.type == 'outcome' and event.outcome == 'accepted' and event.source == source
    end)
  end
end

-- With capture off the agent relays bytes, and the server does not know strop/status.
function M.WhereCaptureIsOffNothingMoreIsSaid()
  strop = require('strop')
  strop.setup({ agent = plan.agent, provider = false, config = plan.off })
  stage.open(plan.file)
  local id = vim.lsp.start_client and vim.fn.has('nvim-0.11') == 0
      and vim.lsp.start_client(strop.wrap({ name = 'clangd', cmd = { 'clangd' }, root_dir = plan.root }))
    or vim.lsp.start(strop.wrap({ name = 'clangd', cmd = { 'clangd' }, root_dir = plan.root }), { attach = false })
  stage.await('clangd', function()
    local client = vim.lsp.get_client_by_id(id)
    return client and client.initialized
  end)
  vim.lsp.buf_attach_client(0, id)
  stage.insert('Go')
  stage.await_statusline('strop: off')
  stage.equal(strop.rate({ correctness = 1 }), false, 'a rating')
end

function M.WithoutTheAgentTheServerRunsAndAMessageSaysWhatToDo()
  strop = require('strop')
  strop.setup({ agent = '/nowhere/strop-agent' })
  stage.equal(strop.cmd({ 'clangd', '--log=error' }), { 'clangd', '--log=error' }, 'command')
  stage.await_said("agent = '/nowhere/strop-agent' is no program that can be run")
  stage.await_said('clangd runs without it')
  stage.open(plan.file)
  stage.insert('Go')
  stage.type('ret')
  stage.leave_insert()
  vim.cmd('StropDoctor')
  stage.await_said("mend it in require('strop').setup{}")
end

function M.AConfigurationThatIsWrongIsShown()
  start({ config = plan.wrong })
  stage.insert('Go')
  stage.await_said('modus')
  stage.await_said('provider = false')
  stage.leave_insert()
  local before = #stage.messages
  stage.insert('o')
  stage.leave_insert()
  stage.equal(#stage.messages, before, 'messages: said once')
end

local function text_of_buffer()
  return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\n')
end

function M.Views()
  offered()
  stage.keys('<Tab>')
  stage.await_outcome('accepted')
  stage.leave_insert()
  vim.cmd('StropInspect')
  stage.await('the records', function() return text_of_buffer():find('captured      ', 1, true) end)
  stage.equal(vim.bo.buftype, 'nofile', 'kind of buffer')
  vim.cmd('close')
  vim.cmd('StropInspect!')
  stage.await('JSON', function() return text_of_buffer():find('{"ledger":', 1, true) == 1 end)
  vim.cmd('close')
  vim.cmd('StropDoctor')
  stage.await('the doctor', function() return text_of_buffer():find('mode is full', 1, true) end)
  vim.cmd('close')
  vim.cmd('StropStatus')
  stage.await_said('strop: capturing, by rule consent:')
end

function M.Checkhealth()
  offered()
  stage.leave_insert()
  vim.cmd('checkhealth strop')
  local text = text_of_buffer()
  vim.fn.writefile(vim.split(text, '\n'), plan.result .. '.health')
  for _, part in ipairs({
    'Neovim ' .. tostring(vim.version().major) .. '.' .. vim.version().minor,
    'strop-agent ',
    'found by the setting `agent`',
    'strop: completes; mode full, capturing ',
    'mode is full',
    'completes',
  }) do
    if not text:find(part, 1, true) then error('checkhealth does not say "' .. part .. '":\n' .. text) end
  end
  if text:find('ERROR', 1, true) then error('checkhealth finds an error:\n' .. text) end
end

function M.CheckhealthWithoutAnAgent()
  require('strop').setup({ agent = '/nowhere/strop-agent' })
  vim.cmd('checkhealth strop')
  local text = text_of_buffer()
  if not text:find("mend it in require('strop').setup{}", 1, true) then error(text) end
end

M.Parts = function() require('parts')(stage) end

stage.run(assert(M[plan.scene], 'no scene ' .. plan.scene))
