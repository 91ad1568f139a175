// SPDX-License-Identifier: Apache-2.0
// logback as it is without a configuration.
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

public class Logback {
    public static void main(String[] args) {
        Logger log = LoggerFactory.getLogger("shop.cart");
        log.info("hello");
        log.warn("slow");
        log.error("boom", new IllegalStateException("bad"));
    }
}
