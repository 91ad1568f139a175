<?php
// SPDX-License-Identifier: Apache-2.0
// Monolog in its forms for lines and for JSON, and PHP's own error log: main.php FOLDER
require "Monolog/autoload.php";
use Monolog\Formatter\JsonFormatter;
use Monolog\Formatter\LineFormatter;
use Monolog\Handler\StreamHandler;
use Monolog\Logger;

$folder = $argv[1];
$lines = new StreamHandler("$folder/monolog.log");
$lines->setFormatter(new LineFormatter(null, null, true, true, true));
$json = new StreamHandler("$folder/monolog.json");
$json->setFormatter(new JsonFormatter());
$log = new Logger("shop", [$lines, $json]);
$log->info("hello", ["order" => 7]);
$log->warning("slow");
$log->error("boom", ["exception" => new RuntimeException("bad")]);

ini_set("log_errors", "1");
ini_set("display_errors", "0");
ini_set("error_log", "$folder/php.log");
echo $nothing;
error_log("said by the application");
throw new RuntimeException("boom");
