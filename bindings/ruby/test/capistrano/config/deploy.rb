# frozen_string_literal: true

set :application, 'api'
set :versioner_version, '1.2.3'
set :deploy_to, '/nowhere'
set :log_level, :error

task(:work) do
  puts 'the work'
  raise 'the disk is full' if ENV['FAIL']
end
after 'deploy:updated', :work
