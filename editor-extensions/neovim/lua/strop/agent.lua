-- The program strop-agent: where it is, the commands it is started with, and its own commands.
local settings = require('strop.settings')

local M = {}

local root = vim.fn.fnamemodify(debug.getinfo(1, 'S').source:sub(2), ':p:h:h:h')

function M.say(text, level)
  vim.notify('strop: ' .. text, level or vim.log.levels.INFO)
end

local told = {}
function M.complain_once(text)
  if told[text] then return end
  told[text] = true
  M.say(text, vim.log.levels.ERROR)
end
function M.forget_complaints()
  told = {}
end

-- The program and by what it was found, or nil and what to do.
function M.find()
  local wanted = settings.now.agent
  if wanted then
    local program = vim.fn.expand(wanted)
    if vim.fn.executable(program) == 1 then return vim.fn.exepath(program), 'the setting `agent`' end
    return nil, ("agent = '%s' is no program that can be run; mend it in require('strop').setup{}"):format(wanted)
  end
  local beside = root .. '/bin/strop-agent'
  if vim.fn.executable(beside) == 1 then return beside, 'the folder of this plugin' end
  if vim.fn.executable('strop-agent') == 1 then return vim.fn.exepath('strop-agent'), 'PATH' end
  return nil, 'strop-agent is not on PATH; install it, or say where it is: '
    .. "require('strop').setup{ agent = '/path/to/strop-agent' }"
end

local function flags(config)
  config = config or settings.now.config
  return config and { '--config', vim.fn.expand(config) } or {}
end

-- The command of an agent in front of `server`; without one: alone. nil and what to do: no agent.
function M.command(server, config)
  local program, why = M.find()
  if not program then return nil, why end
  local command = vim.list_extend({ program }, flags(config))
  if server then vim.list_extend(vim.list_extend(command, { '--' }), server) end
  return command
end

local function lines_of(data)
  if data and data[#data] == '' then table.remove(data) end
  return data or {}
end

-- Runs a command with nothing on its standard input; done(code, lines of stdout, lines of stderr).
-- One that does not end is ended.
local function run(command, limit_ms, done)
  local out, err, job = {}, {}, nil
  job = vim.fn.jobstart(command, {
    stdout_buffered = true,
    stderr_buffered = true,
    on_stdout = function(_, data) out = lines_of(data) end,
    on_stderr = function(_, data) err = lines_of(data) end,
    on_exit = function(_, code)
      job = nil
      done(code, out, err)
    end,
  })
  if job <= 0 then
    job = nil
    return done(127, {}, { command[1] .. ' cannot be started' })
  end
  vim.fn.chanclose(job, 'stdin')
  vim.defer_fn(function()
    if job then vim.fn.jobstop(job) end
  end, limit_ms)
end

-- One of the agent's own commands, such as { 'inspect', '--json' }.
function M.own(arguments, done)
  local program, why = M.find()
  if not program then return done(127, {}, { why }) end
  local command = vim.list_extend({ program }, arguments)
  -- Of these, only doctor reads the configuration.
  if arguments[1] == 'doctor' then vim.list_extend(command, flags()) end
  run(command, 60000, done)
end

-- An agent that ended with exit code 2 has said on stderr what to do, which Neovim keeps in its log
-- alone. It says it again, before it reads anything.
function M.explain_exit(command, advice)
  if type(command) ~= 'table' then return end
  run(command, 5000, function(code, _, err)
    if code == 2 then
      M.complain_once(table.concat(err, '\n') .. (advice and ('\n' .. advice) or ''))
    end
  end)
end

return M
